// What is heard of a guest, as it is written down.
#pragma once

#include <functional>

#include "db/store/instances.h"
#include "proto/base/clock.h"
#include "scheduler/apply/claims.h"

namespace lodge::scheduler {

struct GuestChange {
    bool kept = false;       // `change` has changed something
    bool asks_host = false;  // its host is asked for something else besides
};

// Lets `change` alter an instance and its guest, and keeps what it made of them: both rows, what the guest no
// longer claims, its network and volumes, and the transition that users see. Nothing is kept when `change`
// returned false.
GuestChange change_guest(db::Session& session, Claims& claims, db::instances::WithGuest& row, UnixMs now_ms,
                         const std::function<bool(Instance&, Guest&)>& change);

}  // namespace lodge::scheduler
