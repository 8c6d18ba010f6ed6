// An operator's word that a host is off.
#pragma once

#include "db/driver/session.h"
#include "proto/base/clock.h"
#include "proto/model/host.h"
#include "scheduler/apply/claims.h"
#include "scheduler/reconcile/host_hub.h"

namespace lodge::scheduler {

struct Fenced {
    std::int64_t epoch = 0;
    std::int64_t guests_lost = 0;
};

// Raises the host's epoch and takes all its guests for gone: their claims are free, their instances stopped
// (or ended, if they never ran). An agent that comes back with an older epoch ends the guests that it still
// has before anything else. Conflict while the host is heard.
Result<Fenced> fence(db::Session& session, Claims& claims, HostHub& hub, const Host& host, UnixMs now_ms);

}  // namespace lodge::scheduler
