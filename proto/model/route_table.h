#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/model/enum_text.h"

namespace lodge {

struct RouteTable {
    RouteTableId id;
    AccountId account_id;
    std::string region;
    VpcId vpc_id;
    UnixMs created_ms = 0;
};

struct RouteTableAssociation {
    RouteTableAssociationId id;
    RouteTableId route_table_id;
    VpcId vpc_id;
    std::string subnet_id;  // empty: the VPC's main association
};

enum class RouteTarget { internet_gateway, egress_only_gateway, nat_gateway, network_interface, peering };

template <>
struct EnumText<RouteTarget> {
    static constexpr std::array words = {
        std::pair{RouteTarget::internet_gateway, std::string_view("internet-gateway")},
        std::pair{RouteTarget::egress_only_gateway, std::string_view("egress-only-gateway")},
        std::pair{RouteTarget::nat_gateway, std::string_view("nat-gateway")},
        std::pair{RouteTarget::network_interface, std::string_view("network-interface")},
        std::pair{RouteTarget::peering, std::string_view("peering")}};
};

// Whether it is a blackhole follows from its target's state.
struct Route {
    RouteTableId route_table_id;
    std::string destination;  // canonical IPv4 or IPv6 CIDR, or a prefix list's ID
    RouteTarget target = RouteTarget::internet_gateway;
    std::string target_id;
    std::string instance_id;  // of a network interface's route that was made by naming an instance
};

}  // namespace lodge
