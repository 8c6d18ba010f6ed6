// What is heard of a guest, as it is written down.
#pragma once

#include <functional>

#include "db/store/instances.h"
#include "proto/base/clock.h"
#include "scheduler/apply/claims.h"

namespace lodge::scheduler {

// Lets `change` alter an instance and its guest, and keeps what it made of them: both rows, what the guest no
// longer claims, its network, and the transition that users see. False when `change` returned false; nothing
// is kept then.
bool change_guest(db::Session& session, Claims& claims, db::instances::WithGuest& row, UnixMs now_ms,
                  const std::function<bool(Instance&, Guest&)>& change);

}  // namespace lodge::scheduler
