// All that the store knows of one VPC's network, read in one look, for rendering.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/base/cidr.h"
#include "proto/model/gateway.h"
#include "proto/model/network_acl.h"
#include "proto/model/network_interface.h"
#include "proto/model/route_table.h"
#include "proto/model/security_group.h"
#include "proto/model/vpc.h"

namespace lodge::network {

struct SubnetState {
    Subnet subnet;
    std::vector<SubnetIpv6Cidr> ipv6_cidrs;
    std::string route_table_id;  // its own, or the VPC's main one
    NetworkAclId network_acl_id;
    std::vector<NetworkAclEntry> acl_entries;
};

// A route with its prefix list taken apart, and its target looked up.
struct RouteState {
    std::string route_table_id;
    std::string destination;  // a CIDR
    RouteTarget target;
    std::string target_id;
    bool active = false;       // else a blackhole
    std::string next_address;  // of a network interface: its primary address
    std::string next_subnet;   // and its subnet
};

struct GroupState {
    SecurityGroup group;
    std::vector<SecurityGroupRule> rules;  // without those that name what is gone
};

struct PublicMapping {
    std::string private_ip;
    std::string public_ip;
};

struct InterfaceState {
    NetworkInterface interface;
    std::vector<InterfaceAddress> addresses;
    std::vector<SecurityGroupId> groups;
    std::vector<PublicMapping> mappings;  // Elastic IPs, and the one given at launch
};

struct PeeringState {
    VpcPeering peering;
    bool is_requester = false;
};

struct Snapshot {
    Vpc vpc;
    std::vector<VpcCidr> cidrs;
    std::map<std::string, std::vector<std::string>> dhcp;  // values by EC2's key
    std::vector<SubnetState> subnets;
    std::vector<RouteState> routes;
    std::optional<InternetGateway> gateway;
    std::string router_ip;  // the router's own address in the public network, if there is a gateway
    std::vector<NatGateway> nat_gateways;  // those that are to work
    std::vector<PeeringState> peerings;    // active ones
    std::vector<GroupState> groups;
    std::map<std::string, std::vector<std::string>> prefix_lists;  // CIDRs by ID, those that groups use
    std::vector<InterfaceState> interfaces;
};

// Nothing if there is no such VPC.
std::optional<Snapshot> load_snapshot(db::Session& session, const VpcId& vpc_id);

}  // namespace lodge::network
