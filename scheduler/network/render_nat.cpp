// IPv4 addresses to and from the outside: Elastic IPs, NAT gateways, and who leaves by which.
#include <set>

#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

const SubnetState* subnet_of(const Snapshot& snapshot, const SubnetId& id) {
    for (const auto& state : snapshot.subnets)
        if (state.subnet.id == id) return &state;
    return nullptr;
}

void nat(const Snapshot& snapshot, const std::string& key, Row row, Rows& out) {
    row.table = "NAT";
    row.key = key;
    row.parent = snapshot.vpc.id.str();
    row.parent_column = "nat";
    out.push_back(std::move(row));
}

// One to one, carried out on the guest's own host.
void elastic(const Snapshot& snapshot, const InterfaceState& state, std::set<std::string>& let_out,
             Rows& out) {
    const auto* subnet = subnet_of(snapshot, state.interface.subnet_id);
    if (!subnet || !is_public(snapshot, *subnet) || state.interface.interface_type == "nat_gateway") return;
    for (const auto& mapping : state.mappings) {
        auto key = state.interface.id.str() + "/" + mapping.public_ip;
        nat(snapshot, key,
            {"",
             "",
             {{"type", "dnat_and_snat"},
              {"external_ip", mapping.public_ip},
              {"logical_ip", mapping.private_ip},
              {"external_mac", mac_of(key)},
              {"logical_port", state.interface.port_uuid}},
             "",
             ""},
            out);
        let_out.insert(mapping.private_ip);
    }
}

bool leads_outside(const RouteState& route) {
    return route.active &&
           (route.target == RouteTarget::nat_gateway || route.target == RouteTarget::internet_gateway);
}

// The packets whose address in `field` a route's table sends by this route: those to its destination but for
// what narrower routes of its table send outside. Empty: all of IPv4.
std::string reach_of(const Snapshot& snapshot, const RouteState& route, const std::string& field) {
    auto destination = Cidr::parse(route.destination);
    auto match = destination && destination->prefix() > 0 ? field + " == " + route.destination : "";
    for (const auto& other : snapshot.routes) {
        auto narrower = Cidr::parse(other.destination);
        if (!leads_outside(other) || other.route_table_id != route.route_table_id || !narrower ||
            !destination || narrower->prefix() <= destination->prefix() || !destination->contains(*narrower))
            continue;
        match += (match.empty() ? "" : " && ") + (field + " != " + other.destination);
    }
    return match;
}

const NatGateway* gateway_of(const Snapshot& snapshot, const RouteState& route) {
    if (!route.active || route.target != RouteTarget::nat_gateway) return nullptr;
    for (const auto& gateway : snapshot.nat_gateways) {
        const auto* home = subnet_of(snapshot, gateway.subnet_id);
        if (gateway.id.str() == route.target_id && !gateway.public_ip.empty() && home &&
            is_public(snapshot, *home))
            return &gateway;
    }
    return nullptr;
}

// Many to one, for what a subnet's route table sends to NAT gateways.
void many_to_one(const Snapshot& snapshot, const SubnetState& state, Rows& out) {
    for (const auto& way : nat_ways(snapshot, state, "ip4.dst"))
        nat(snapshot, way.gateway->id.str() + "/" + state.subnet.id.str() + "/" + way.destination,
            {"",
             "",
             {{"type", "snat"},
              {"external_ip", way.gateway->public_ip},
              {"logical_ip", state.subnet.cidr},
              {"match", way.reach}},
             "",
             ""},
            out);
}

}  // namespace

std::string let_out_name(const Vpc& vpc) {
    return "out_" + std::string(digits_of(vpc.id.str()));
}

std::vector<NatWay> nat_ways(const Snapshot& snapshot, const SubnetState& subnet, const std::string& field) {
    std::vector<NatWay> ways;
    if (!has_ipv4_outside(snapshot)) return ways;
    for (const auto& route : snapshot.routes) {
        const auto* gateway = gateway_of(snapshot, route);
        if (!gateway || route.route_table_id != subnet.route_table_id || is_ipv6_text(route.destination))
            continue;
        ways.push_back({gateway, subnet_of(snapshot, gateway->subnet_id), route.destination,
                        reach_of(snapshot, route, field)});
    }
    return ways;
}

void render_nat(const Snapshot& snapshot, const Cloud&, Rows& out) {
    if (!has_ipv4_outside(snapshot)) return;
    std::set<std::string> let_out;
    for (const auto& interface : snapshot.interfaces) elastic(snapshot, interface, let_out, out);
    const auto& id = snapshot.vpc.id.str();
    auto name = let_out_name(snapshot.vpc);
    out.push_back({"Address_Set",
                   id + "/out",
                   {{"name", name}, {"addresses", set_of(std::vector<Json>(let_out.begin(), let_out.end()))}},
                   "",
                   ""});
    for (const auto& state : snapshot.subnets) many_to_one(snapshot, state, out);
}

}  // namespace lodge::network
