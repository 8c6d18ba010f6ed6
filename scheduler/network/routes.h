// A route table as it works at this moment: the local routes that follow from the VPC's CIDRs, and whether
// each route's target is there. Sources: Amazon VPC User Guide, "Route tables", "Example routing options";
// Amazon VPC Peering Guide, "VPC peering connection lifecycle".
#pragma once

#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/route_table.h"

namespace lodge::network {

struct LiveRoute {
    Route route;
    // Its destination is a CIDR of the VPC. Without a target of its own (`route.target_id` empty) it is the
    // plain local route; with one, it was replaced, and everything in that CIDR goes to the target.
    bool is_local = false;
    bool is_active = true;  // false: a blackhole
    // Of a network interface: whose it is now, or was last.
    std::string instance_id;
    std::string instance_account_id;
};

// The local ones first, as the VPC has its CIDRs; then by destination.
std::vector<LiveRoute> live_routes(db::Session& session, const RouteTable& table);

}  // namespace lodge::network
