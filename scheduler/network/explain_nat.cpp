// Public addresses, as render_nat.cpp maps them.
#include "scheduler/network/explain_parts.h"
#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

bool has_outside(const Snapshot& snapshot) {
    return snapshot.gateway && !snapshot.router_ip.empty();
}

// Why a NAT gateway lets nothing out; empty if it does.
std::string obstacle(const Snapshot& snapshot, const NatGateway& gateway) {
    if (gateway.public_ip.empty()) return "it has no public address";
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

Exit many_to_one(const Snapshot& snapshot, const IpAddress& source, const NatGateway& via) {
    if (!subnet_around(snapshot, source) || !obstacle(snapshot, via).empty()) return {};
    return {
        IpAddress::parse(via.public_ip),
        &via,
        {false, Outcome::pass, via.id.str() + " translates " + source.str() + " to " + via.public_ip, ""}};
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
    if (via) {
        if (auto exit = many_to_one(snapshot, source, *via); exit.public_address) return exit;
        return {std::nullopt,
                nullptr,
                {false, Outcome::stop, via->id.str() + " lets nothing out: " + obstacle(snapshot, *via),
                 "Give it a subnet with a route to an internet gateway, and an Elastic IP."}};
    }
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
