// Public addresses, as render_nat.cpp maps them.
#include <algorithm>

#include "scheduler/network/explain_parts.h"
#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

bool has_outside(const Snapshot& snapshot) {
    return snapshot.gateway && !snapshot.router_ip.empty();
}

bool sends_to(const Snapshot& snapshot, const SubnetState& subnet, const NatGateway& gateway) {
    return std::any_of(snapshot.routes.begin(), snapshot.routes.end(), [&](const RouteState& route) {
        return route.route_table_id == subnet.route_table_id && route.active &&
               route.target == RouteTarget::nat_gateway && route.target_id == gateway.id.str();
    });
}

// Why a NAT gateway lets nothing out; empty if it does.
std::string obstacle(const Snapshot& snapshot, const NatGateway& gateway) {
    if (gateway.public_ip.empty()) return "it is a private one, without a public address";
    const auto* home = find_subnet(snapshot, gateway.subnet_id);
    if (home && is_public(snapshot, *home)) return "";
    return "its own " + gateway.subnet_id.str() + " has no route to an internet gateway";
}

Exit one_to_one(const Snapshot& snapshot, const IpAddress& source) {
    for (const auto& state : snapshot.interfaces) {
        if (!is_reachable(snapshot, state)) continue;
        for (const auto& mapping : state.mappings)
            if (mapping.private_ip == source.str())
                return {IpAddress::parse(mapping.public_ip),
                        nullptr,
                        {false, Outcome::pass,
                         snapshot.gateway->id.str() + " translates " + source.str() + " to " +
                             mapping.public_ip + " of " + state.interface.id.str(),
                         ""}};
    }
    return {};
}

Exit many_to_one(const Snapshot& snapshot, const IpAddress& source, const NatGateway* via) {
    const auto* subnet = subnet_around(snapshot, source);
    if (!subnet) return {};
    auto tries = [&](const NatGateway& gateway) -> Exit {
        if (!sends_to(snapshot, *subnet, gateway) || !obstacle(snapshot, gateway).empty()) return {};
        return {IpAddress::parse(gateway.public_ip),
                &gateway,
                {false, Outcome::pass,
                 gateway.id.str() + " translates " + source.str() + " to " + gateway.public_ip, ""}};
    };
    if (via)
        if (auto exit = tries(*via); exit.public_address) return exit;
    for (const auto& gateway : snapshot.nat_gateways)
        if (auto exit = tries(gateway); exit.public_address) return exit;
    return {};
}

}  // namespace

bool is_reachable(const Snapshot& snapshot, const InterfaceState& interface) {
    const auto* subnet = find_subnet(snapshot, interface.interface.subnet_id);
    return has_outside(snapshot) && subnet && is_public(snapshot, *subnet) &&
           interface.interface.interface_type != "nat_gateway";
}

Exit exit_of(const Snapshot& snapshot, const IpAddress& source, const NatGateway* via) {
    if (!has_outside(snapshot)) return {};
    if (auto exit = one_to_one(snapshot, source); exit.public_address) return exit;
    if (auto exit = many_to_one(snapshot, source, via); exit.public_address) return exit;
    if (via)
        return {std::nullopt,
                nullptr,
                {false, Outcome::stop, via->id.str() + " lets nothing out: " + obstacle(snapshot, *via),
                 "Give it a subnet with a route to an internet gateway, and an Elastic IP."}};
    return {std::nullopt,
            nullptr,
            {false, Outcome::stop,
             snapshot.gateway->id.str() + " drops what comes from " + source.str() +
                 ", which has no public address",
             "Associate an Elastic IP with it, or route its subnet through a NAT gateway."}};
}

std::optional<Entry> entry_of(const World& world, const IpAddress& public_address) {
    for (const auto& [id, snapshot] : world.vpcs)
        for (const auto& state : snapshot.interfaces)
            for (const auto& mapping : state.mappings)
                if (auto address = IpAddress::parse(mapping.private_ip);
                    address && mapping.public_ip == public_address.str())
                    return Entry{&snapshot, &state, *address};
    return std::nullopt;
}

}  // namespace lodge::network
