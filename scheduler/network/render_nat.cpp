// IPv4 addresses to and from the outside: Elastic IPs, NAT gateways, and the rule that nothing else gets out.
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

// Many to one, for what a subnet's route table sends to NAT gateways. Returns what it sends there, each as
// reach_of() has it.
std::vector<std::string> many_to_one(const Snapshot& snapshot, const SubnetState& state, Rows& out) {
    std::vector<std::string> reaches;
    for (const auto& route : snapshot.routes) {
        const auto* gateway = gateway_of(snapshot, route);
        if (!gateway || route.route_table_id != state.route_table_id || is_ipv6_text(route.destination))
            continue;
        reaches.push_back(reach_of(snapshot, route, "ip4.dst", leads_outside));
        nat(snapshot, gateway->id.str() + "/" + state.subnet.id.str() + "/" + route.destination,
            {"",
             "",
             {{"type", "snat"},
              {"external_ip", gateway->public_ip},
              {"logical_ip", state.subnet.cidr},
              {"match", reaches.back()}},
             "",
             ""},
            out);
    }
    return reaches;
}

// Guests of a subnet that have no public address get out by its NAT gateways alone.
std::string no_way_out(const SubnetState& state, const std::vector<std::string>& reaches) {
    std::string ways;
    for (const auto& reach : reaches) {
        if (reach.empty()) return "";
        ways += (ways.empty() ? "(" : " || (") + reach + ")";
    }
    return "ip4.src == " + state.subnet.cidr + " && !(" + ways + ")";
}

}  // namespace

void render_nat(const Snapshot& snapshot, const Cloud&, Rows& out) {
    if (!snapshot.gateway || snapshot.router_ip.empty()) return;
    std::set<std::string> let_out;
    for (const auto& interface : snapshot.interfaces) elastic(snapshot, interface, let_out, out);
    const auto& id = snapshot.vpc.id.str();
    auto name = "out_" + std::string(digits_of(id));
    out.push_back({"Address_Set",
                   id + "/out",
                   {{"name", name}, {"addresses", set_of(std::vector<Json>(let_out.begin(), let_out.end()))}},
                   "",
                   ""});
    // A guest without a public address has no way out, even where its route table shows one.
    auto drop = [&](const std::string& key, const std::string& which) {
        auto match = "outport == \"" + public_port(snapshot.vpc) + "\" && ip4 && ip4.src != $" + name + which;
        out.push_back({"Logical_Router_Policy",
                       key,
                       {{"priority", 2000}, {"match", match}, {"action", "drop"}},
                       id,
                       "policies"});
    };
    std::string others;
    for (const auto& state : snapshot.subnets) {
        auto reaches = many_to_one(snapshot, state, out);
        if (reaches.empty()) continue;
        others += " && ip4.src != " + state.subnet.cidr;
        if (auto which = no_way_out(state, reaches); !which.empty())
            drop(id + "/no-way-out/" + state.subnet.id.str(), " && " + which);
    }
    drop(id + "/no-way-out", others);
}

}  // namespace lodge::network
