// What becomes of networks' resources without a request: called by upkeep's tick, idempotent.
#pragma once

#include "db/driver/session.h"
#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge::network {

// Peerings expire, NAT gateways become available and go, ended ones are forgotten.
void settle(db::Session& session, UnixMs now_ms);

// Whether the hosts' networks have followed the VPC as far as that revision.
// The seam to the renderer into OVN: it will say how far it is; until then what is committed counts as there.
bool is_applied(db::Session& session, const VpcId& vpc_id, std::int64_t revision);

}  // namespace lodge::network
