// What becomes of networks' resources without a request: called by upkeep's tick, idempotent.
#pragma once

#include "db/driver/session.h"
#include "proto/base/clock.h"

namespace lodge::network {

// Peerings expire, ended ones are forgotten.
void settle(db::Session& session, UnixMs now_ms);

}  // namespace lodge::network
