// A VPC's router: its ports in subnets, in the public network and towards peers, and what the route tables
// say.
#include <algorithm>
#include <set>

#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

std::string with_prefix(const IpAddress& address, int prefix) {
    return address.str() + "/" + std::to_string(prefix);
}

void subnet_port(const Snapshot& snapshot, const SubnetState& state, Rows& out) {
    auto key = gateway_port(state.subnet);
    std::vector<Json> networks;
    auto add = [&](const std::string& text) {
        if (auto cidr = Cidr::parse(text))
            networks.emplace_back(with_prefix(router_address(*cidr), cidr->prefix()));
    };
    add(state.subnet.cidr);
    for (const auto& ipv6 : state.ipv6_cidrs) add(ipv6.cidr);
    Row port{"Logical_Router_Port",
             key,
             {{"name", key},
              {"mac", mac_of(key)},
              {"networks", set_of(networks)},
              {"options", map_of({{"route_table", state.route_table_id}})}},
             snapshot.vpc.id.str(),
             "ports"};
    // Guests learn their router by its advertisements, their addresses by DHCPv6.
    auto advertised = state.ipv6_cidrs.empty()
                          ? std::map<std::string, std::string>()
                          : std::map<std::string, std::string>{{"address_mode", "dhcpv6_stateful"},
                                                               {"send_periodic", "true"}};
    port.columns["ipv6_ra_configs"] = map_of(advertised);
    out.push_back(std::move(port));
}

// The link-local address that a MAC address gives (RFC 4291, appendix A).
IpAddress link_local(const std::string& mac) {
    auto hex = mac;
    hex.erase(std::remove(hex.begin(), hex.end(), ':'), hex.end());
    auto bits = std::stoull(hex, nullptr, 16) ^ (std::uint64_t{2} << 40);
    auto suffix = (bits >> 24) << 40 | std::uint64_t{0xfffe} << 24 | (bits & 0xffffff);
    return IpAddress::parse("fe80::")->plus(suffix);
}

// Towards IPv6 the link-local address does, which OVN gives to every port; one without any other it wants to
// be told of.
void public_ports(const Snapshot& snapshot, const Cloud& cloud, Rows& out) {
    if (!has_public_port(snapshot, cloud)) return;
    auto key = public_port(snapshot.vpc);
    auto address = snapshot.gateway ? IpAddress::parse(snapshot.router_ip) : std::nullopt;
    auto network = address ? with_prefix(*address, cloud.public_pool.prefix())
                           : with_prefix(link_local(mac_of(key)), 64);
    out.push_back({"Logical_Router_Port",
                   key,
                   {{"name", key},
                    {"mac", mac_of(key)},
                    {"networks", network},
                    {"ha_chassis_group", reference(gateway_group)}},
                   snapshot.vpc.id.str(),
                   "ports"});
    out.push_back({"Logical_Switch_Port",
                   key + "/switch",
                   {{"name", key + "/switch"},
                    {"type", "router"},
                    {"addresses", "router"},
                    {"options", map_of({{"router-port", key}, {"nat-addresses", "router"}})}},
                   std::string(public_switch),
                   "ports"});
}

// Two routers, port to port, over a link of their own: link-local addresses that no guest sees.
void peering_ports(const Snapshot& snapshot, const PeeringState& state, Rows& out) {
    auto own = peering_port(state.peering, state.is_requester);
    out.push_back({"Logical_Router_Port",
                   own,
                   {{"name", own},
                    {"mac", mac_of(own)},
                    {"networks", with_prefix(peering_address(state.peering, state.is_requester), 31)},
                    {"peer", peering_port(state.peering, !state.is_requester)}},
                   snapshot.vpc.id.str(),
                   "ports"});
}

void static_route(const Snapshot& snapshot, const std::string& key, const std::string& table,
                  const std::string& prefix, const std::string& nexthop, const std::string& port, Rows& out) {
    Row row{"Logical_Router_Static_Route",
            key,
            {{"route_table", table}, {"ip_prefix", prefix}, {"nexthop", nexthop}},
            snapshot.vpc.id.str(),
            "static_routes"};
    row.columns["output_port"] = port.empty() ? set_of({}) : Json(port);
    out.push_back(std::move(row));
}

// The next hop of a route and the port it lies behind; an address of "discard" for one that leads nowhere.
struct Hop {
    std::string address = "discard";
    std::string port;
};

Hop hop_of(const Snapshot& snapshot, const Cloud& cloud, const RouteState& route) {
    if (!route.active) return {};
    if (leads_ipv6_outside(route))
        return cloud.ipv6_pool ? Hop{router_address(*cloud.ipv6_pool).str(), public_port(snapshot.vpc)}
                               : Hop{};
    switch (route.target) {
        case RouteTarget::internet_gateway:
        case RouteTarget::nat_gateway:
            if (snapshot.router_ip.empty() || is_ipv6_text(route.destination)) return {};
            return {router_address(cloud.public_pool).str(), public_port(snapshot.vpc)};
        case RouteTarget::egress_only_gateway:
            return {};  // of IPv4 there is none
        case RouteTarget::network_interface:
            return {route.next_address, route.next_subnet + "/gateway"};
        case RouteTarget::peering:
            for (const auto& state : snapshot.peerings)
                if (state.peering.id.str() == route.target_id && !is_ipv6_text(route.destination))
                    return {peering_address(state.peering, !state.is_requester).str(),
                            peering_port(state.peering, state.is_requester)};
            return {};
    }
    return {};
}

bool has_route(const Snapshot& snapshot, const std::string& table, const std::string& destination) {
    return std::any_of(snapshot.routes.begin(), snapshot.routes.end(), [&](const RouteState& route) {
        return route.route_table_id == table && route.destination == destination;
    });
}

// What no subnet has must not leak to the outside by a default route. OVN asks a port's own table alone, and
// the nameless one for ports that have none: those to the outside and to peers. A local route that was
// replaced is the user's.
void discard_unused(const Snapshot& snapshot, Rows& out) {
    std::set<std::string> tables = {""};
    for (const auto& state : snapshot.subnets) tables.insert(state.route_table_id);
    for (const auto& table : tables)
        for (const auto& cidr : snapshot.cidrs)
            if (!has_route(snapshot, table, cidr.cidr))
                static_route(snapshot, snapshot.vpc.id.str() + "/discard/" + cidr.id.str() + "/" + table,
                             table, cidr.cidr, "discard", "", out);
}

// The halves of a block; none of a single address.
std::vector<Cidr> halves_of(const Cidr& cidr) {
    auto first = Cidr::around(cidr.network(), cidr.prefix() + 1);
    if (!first) return {};
    return {*first, *Cidr::around(cidr.last(), cidr.prefix() + 1)};
}

// OVN prefers the router's own networks to routes of the same length, so a route that replaces the local one
// for a subnet goes by the subnet's halves.
void replace_local(const Snapshot& snapshot, const RouteState& route, const Hop& hop, Rows& out) {
    for (const auto& state : snapshot.subnets) {
        std::vector<std::string> cidrs = {state.subnet.cidr};
        for (const auto& ipv6 : state.ipv6_cidrs) cidrs.push_back(ipv6.cidr);
        for (const auto& text : cidrs) {
            auto cidr = Cidr::parse(text);
            if (!cidr || local_replaced(snapshot, route.route_table_id, *cidr) != &route) continue;
            for (const auto& half : halves_of(*cidr))
                static_route(snapshot, route.route_table_id + "/local/" + half.str(), route.route_table_id,
                             half.str(), hop.address, hop.port, out);
        }
    }
}

}  // namespace

const RouteState* local_replaced(const Snapshot& snapshot, const std::string& route_table,
                                 const Cidr& subnet) {
    const RouteState* best = nullptr;
    int longest = -1;
    for (const auto& route : snapshot.routes) {
        auto destination = Cidr::parse(route.destination);
        bool counts = route.route_table_id == route_table && destination && destination->contains(subnet) &&
                      destination->prefix() > longest;
        if (!counts || std::none_of(snapshot.cidrs.begin(), snapshot.cidrs.end(), [&](const auto& each) {
                auto cidr = Cidr::parse(each.cidr);
                return cidr && cidr->contains(*destination);
            }))
            continue;
        best = &route;
        longest = destination->prefix();
    }
    return best;
}

IpAddress peering_address(const VpcPeering& peering, bool of_requester) {
    // 169.254.64.0/18: 8,192 links of two addresses each; the number is unique among either VPC's peerings.
    auto first =
        IpAddress::parse("169.254.64.0")->plus(2 * static_cast<AddressBits>(peering.link_number % 8192));
    return of_requester ? first : first.plus(1);
}

void render_router(const Snapshot& snapshot, const Cloud& cloud, Rows& out) {
    const auto& id = snapshot.vpc.id.str();
    out.push_back({"Logical_Router",
                   id,
                   {{"name", id},
                    {"options", map_of({{"always_learn_from_arp_request", "false"},
                                        {"dynamic_neigh_routers", "true"},
                                        {"mac_binding_age_threshold", "300"}})}},
                   "",
                   ""});
    for (const auto& subnet : snapshot.subnets) subnet_port(snapshot, subnet, out);
    public_ports(snapshot, cloud, out);
    for (const auto& peering : snapshot.peerings) peering_ports(snapshot, peering, out);
    discard_unused(snapshot, out);
    for (const auto& route : snapshot.routes) {
        auto hop = hop_of(snapshot, cloud, route);
        static_route(snapshot, route.route_table_id + "/" + route.destination, route.route_table_id,
                     route.destination, hop.address, hop.port, out);
        replace_local(snapshot, route, hop, out);
    }
}

}  // namespace lodge::network
