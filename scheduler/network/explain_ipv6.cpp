// IPv6 to and from the outside, as render_ipv6.cpp has it: by addresses as they are.
#include <algorithm>

#include "scheduler/network/explain_parts.h"
#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

// The table's longest route to an address.
const RouteState* route_to(const Snapshot& snapshot, const std::string& table, const IpAddress& address) {
    const RouteState* best = nullptr;
    int longest = -1;
    for (const auto& route : snapshot.routes) {
        if (route.route_table_id != table || !holds(route.destination, address)) continue;
        if (int prefix = Cidr::parse(route.destination)->prefix(); prefix > longest) {
            best = &route;
            longest = prefix;
        }
    }
    return best;
}

const RouteState* egress_only_route(const Snapshot& snapshot, const std::string& table) {
    for (const auto& route : snapshot.routes)
        if (route.route_table_id == table && is_egress_only(route)) return &route;
    return nullptr;
}

// Who is no stranger to a subnet with an egress-only gateway.
bool may_begin(const Snapshot& snapshot, const std::string& table, const IpAddress& source) {
    static const Cidr link_local = *Cidr::parse("fe80::/10");
    if (link_local.contains(source)) return true;
    for (const auto& cidr : snapshot.cidrs)
        if (holds(cidr.cidr, source)) return true;
    const auto* route = route_to(snapshot, table, source);
    return route && lets_begin(*route);
}

}  // namespace

bool is_reachable_ipv6(const Snapshot& snapshot, const InterfaceState& interface) {
    const auto* subnet = find_subnet(snapshot, interface.interface.subnet_id);
    return subnet && is_public_ipv6(snapshot, *subnet) && interface.interface.interface_type == "interface";
}

std::optional<Entry> entry_of_ipv6(const World& world, const IpAddress& address) {
    for (const auto& [id, snapshot] : world.vpcs)
        for (const auto& state : snapshot.interfaces)
            if (has_address(state, address)) return Entry{&snapshot, &state, address};
    return std::nullopt;
}

Step judge_exit_ipv6(const Snapshot& snapshot, const IpAddress& source) {
    for (const auto& state : snapshot.interfaces)
        if (has_address(state, source) && is_reachable_ipv6(snapshot, state))
            return {
                false, Outcome::pass,
                source.str() + " of " + state.interface.id.str() + " leaves as it is: IPv6 is not translated",
                ""};
    return {false, Outcome::stop,
            snapshot.vpc.id.str() + " lets nothing out that comes from " + source.str() +
                ", which is of no subnet with a route outside",
            "Route the subnet of its interface to an internet gateway, egress-only or not."};
}

std::optional<Step> judge_egress_only(const Snapshot& snapshot, const InterfaceState& interface,
                                      const Packet& packet) {
    const auto* subnet = find_subnet(snapshot, interface.interface.subnet_id);
    if (!subnet || !packet.source.is_ipv6()) return std::nullopt;
    const auto* route = egress_only_route(snapshot, subnet->route_table_id);
    if (!route || may_begin(snapshot, subnet->route_table_id, packet.source)) return std::nullopt;
    return Step{false, Outcome::stop,
                route->target_id + " of " + route->route_table_id + " lets nothing in from " +
                    packet.source.str() + " but answers to " + interface.interface.id.str(),
                "Route " + packet.source.str() + " to an internet gateway in " + route->route_table_id +
                    ", or begin the connection from inside."};
}

}  // namespace lodge::network
