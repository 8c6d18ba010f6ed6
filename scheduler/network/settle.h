// What becomes of networks' resources without a request: called by upkeep's tick, idempotent.
#pragma once

#include <functional>

#include "db/driver/session.h"
#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge::network {

// Whether the hosts' networks have followed the VPC as far as that revision: Reconciler::is_applied. It must
// not ask the database.
using Applied = std::function<bool(const VpcId& vpc_id, std::int64_t revision)>;

// Peerings expire, NAT gateways become available and go, ended ones are forgotten.
void settle(db::Session& session, UnixMs now_ms, const Applied& applied);

}  // namespace lodge::network
