// Addresses to and from the outside: Elastic IPs, NAT gateways, and the rule that nothing else gets out.
#include <algorithm>
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

// Many to one, for each subnet whose route table sends something to the gateway. OVN translates a subnet's
// addresses in one way: of two gateways the first has it.
void many_to_one(const Snapshot& snapshot, const NatGateway& gateway, std::set<std::string>& let_out,
                 Rows& out) {
    const auto* home = subnet_of(snapshot, gateway.subnet_id);
    if (!home || !is_public(snapshot, *home) || gateway.public_ip.empty()) return;
    for (const auto& state : snapshot.subnets) {
        bool sends =
            std::any_of(snapshot.routes.begin(), snapshot.routes.end(), [&](const RouteState& route) {
                return route.route_table_id == state.route_table_id && route.active &&
                       route.target == RouteTarget::nat_gateway && route.target_id == gateway.id.str();
            });
        if (!sends || !let_out.insert(state.subnet.cidr).second) continue;
        nat(snapshot, gateway.id.str() + "/" + state.subnet.id.str(),
            {"",
             "",
             {{"type", "snat"}, {"external_ip", gateway.public_ip}, {"logical_ip", state.subnet.cidr}},
             "",
             ""},
            out);
    }
}

}  // namespace

void render_nat(const Snapshot& snapshot, const Cloud&, Rows& out) {
    if (!snapshot.gateway || snapshot.router_ip.empty()) return;
    std::set<std::string> let_out;
    for (const auto& interface : snapshot.interfaces) elastic(snapshot, interface, let_out, out);
    for (const auto& gateway : snapshot.nat_gateways) many_to_one(snapshot, gateway, let_out, out);
    // A guest without a public address has no way out, even where its route table shows one.
    auto name = "out_" + std::string(digits_of(snapshot.vpc.id.str()));
    out.push_back({"Address_Set",
                   snapshot.vpc.id.str() + "/out",
                   {{"name", name}, {"addresses", set_of(std::vector<Json>(let_out.begin(), let_out.end()))}},
                   "",
                   ""});
    out.push_back(
        {"Logical_Router_Policy",
         snapshot.vpc.id.str() + "/no-way-out",
         {{"priority", 2000},
          {"match", "outport == \"" + public_port(snapshot.vpc) + "\" && ip4 && ip4.src != $" + name},
          {"action", "drop"}},
         snapshot.vpc.id.str(),
         "policies"});
}

}  // namespace lodge::network
