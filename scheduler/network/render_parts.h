// The pieces of render(), a file each.
#pragma once

#include "proto/base/cidrs.h"
#include "proto/base/network_names.h"
#include "scheduler/network/render.h"

namespace lodge::network {

void render_router(const Snapshot& snapshot, const Cloud& cloud,
                   Rows& out);  // router, ports, gateway, routes
void render_nat(const Snapshot& snapshot, const Cloud& cloud,
                Rows& out);  // IPv4 addresses to and from the outside
void render_ipv6(const Snapshot& snapshot, const Cloud& cloud,
                 Rows& out);                                                // the same of IPv6
void render_acls(const Snapshot& snapshot, const Cloud& cloud, Rows& out);  // network ACLs, the border
void render_subnets(const Snapshot& snapshot, const Cloud& cloud,
                    Rows& out);                           // switches, DHCP, names, interfaces
void render_groups(const Snapshot& snapshot, Rows& out);  // security groups

// Keys.
std::string gateway_port(const Subnet& subnet);  // the router's port in a subnet
std::string public_port(const Vpc& vpc);         // and in the public network
std::string peering_port(const VpcPeering& peering, bool of_requester);

// The hexadecimal digits of an ID.
std::string_view digits_of(std::string_view id);

// Whether the subnet's route table sends anything of IPv4 to a working internet gateway.
bool is_public(const Snapshot& snapshot, const SubnetState& subnet);
// Whether a route leads IPv6 outside: to a working gateway, egress-only or not.
bool leads_ipv6_outside(const RouteState& route);
// Whether the subnet's route table has such a route.
bool is_public_ipv6(const Snapshot& snapshot, const SubnetState& subnet);
// Whether a route leads by an egress-only gateway: what comes from there comes as an answer.
bool is_egress_only(const RouteState& route);
// Whether, beside such a route, what comes from where this one leads may begin a connection.
bool lets_begin(const RouteState& route);
// What a subnet sends to a NAT gateway. `reach` is a match of what goes there, of the other side's address in
// `field` ("ip4.dst"); empty: everything.
struct NatWay {
    const NatGateway* gateway = nullptr;
    const SubnetState* home = nullptr;
    std::string destination;  // the route's
    std::string reach;
};
std::vector<NatWay> nat_ways(const Snapshot& snapshot, const SubnetState& subnet, const std::string& field);
// The name of the address set of those that leave by public addresses of their own.
std::string let_out_name(const Vpc& vpc);
std::string let_out_ipv6_name(const Vpc& vpc);
bool has_ipv4_outside(const Snapshot& snapshot);
bool has_ipv6_outside(const Snapshot& snapshot, const Cloud& cloud);
// Whether the VPC's router is in the public network.
bool has_public_port(const Snapshot& snapshot, const Cloud& cloud);
// The route of a table that a subnet is reached by instead of the local one: through an appliance. None by
// default.
const RouteState* local_replaced(const Snapshot& snapshot, const std::string& route_table,
                                 const Cidr& subnet);
// Either end of the link between two peers' routers.
IpAddress peering_address(const VpcPeering& peering, bool of_requester);
// The router's own address in a subnet.
IpAddress router_address(const Cidr& subnet);

}  // namespace lodge::network
