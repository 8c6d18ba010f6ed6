// Routing, as render_router.cpp has it: the longest prefix wins, and of equal ones the router's own networks
// before the route table's, before the discarding of what no subnet has; but a route for the whole of a
// subnet replaces the local one.
#include <algorithm>

#include "scheduler/network/explain_parts.h"
#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

enum class Rank { discard, table, connected };

struct Candidate {
    Cidr cidr;
    Rank rank = Rank::table;
    const SubnetState* subnet = nullptr;  // of a connected one; none: the public network
    const RouteState* route = nullptr;    // of the table
};

Step stop(std::string text, std::string advice) {
    return {false, Outcome::stop, std::move(text), std::move(advice)};
}

class Router {
  public:
    Router(const World& world, const Snapshot& snapshot, const SubnetState* from, const Packet& packet)
        : world_(world), snapshot_(snapshot), from_(from), packet_(packet) {
        for (const auto& cidr : snapshot.cidrs) consider({{}, Rank::discard}, cidr.cidr);
        for (const auto& state : snapshot.subnets) {
            consider({{}, Rank::connected, &state}, state.subnet.cidr);
            for (const auto& ipv6 : state.ipv6_cidrs) consider({{}, Rank::connected, &state}, ipv6.cidr);
        }
        if (snapshot.gateway && !snapshot.router_ip.empty() && world.pools.ipv4)
            consider({{}, Rank::connected}, world.pools.ipv4->str());
        for (const auto& route : snapshot.routes)
            if (from && route.route_table_id == from->route_table_id)
                consider({{}, Rank::table, nullptr, &route}, route.destination);
    }

    Hop hop() const {
        if (!best_) return no_route();
        if (best_->rank == Rank::discard) return discard();
        if (best_->rank == Rank::table) return by_table(*best_->route);
        if (!best_->subnet) return to_public_network();
        if (const auto* route =
                from_ ? local_replaced(snapshot_, from_->route_table_id, best_->cidr) : nullptr)
            return by_table(*route);
        return to_subnet(*best_->subnet);
    }

  private:
    void consider(Candidate candidate, const std::string& cidr_text) {
        auto cidr = Cidr::parse(cidr_text);
        if (!cidr || !cidr->contains(packet_.destination)) return;
        candidate.cidr = *cidr;
        auto order = [](const Candidate& each) { return std::pair(each.cidr.prefix(), each.rank); };
        if (candidate.rank == Rank::table && (!of_table_ || order(*of_table_) < order(candidate)))
            of_table_ = candidate;
        if (!best_ || order(*best_) < order(candidate)) best_ = candidate;
    }

    std::string table() const {
        if (!from_) return snapshot_.vpc.id.str() + " router";
        return describe(from_->subnet) + " route table " + from_->route_table_id;
    }

    std::string destination() const { return packet_.destination.str(); }

    Hop no_route() const {
        if (!from_)
            return {.step = stop(table() + " sends only what is for its own subnets on",
                                 "Peered VPCs and the outside reach " + snapshot_.vpc.id.str() +
                                     " itself, nothing behind it.")};
        return {.step = stop(table() + ": no route to " + destination(),
                             "Add a route to " + destination() + " to " + from_->route_table_id + ".")};
    }

    Hop discard() const {
        return {.step = stop(table() + ": " + best_->cidr.str() + " → local, and no subnet has " +
                                 destination() + ": discarded",
                             "Nothing has this address; look for the one that was meant.")};
    }

    Hop to_subnet(const SubnetState& subnet) const {
        std::string local;
        for (const auto& each : snapshot_.cidrs)
            if (auto cidr = Cidr::parse(each.cidr); cidr && cidr->contains(packet_.destination))
                local = cidr->str();
        return {.to = Hop::To::subnet,
                .subnet = &subnet,
                .step = {false, Outcome::pass,
                         table() + ": " + local + " → local, into " + describe(subnet.subnet), ""}};
    }

    // Every router with an internet gateway is in it, whatever its tables say.
    Hop to_public_network() const {
        if (of_table_) {
            auto hop = by_table(*of_table_->route);
            if (hop.to == Hop::To::outside) return hop;
        } else if (from_ && !exit_of(snapshot_, packet_.source, nullptr).public_address) {
            return no_route();
        }
        return {.to = Hop::To::outside,
                .step = {false, Outcome::pass,
                         table() + ": " + world_.pools.ipv4->str() + " is the public network, where " +
                             snapshot_.gateway->id.str() + " is",
                         ""}};
    }

    Hop blackhole(const RouteState& route, const std::string& why) const {
        return {.step =
                    stop(table() + ": " + route.destination + " → " + route.target_id + ", blackhole: " + why,
                         "Replace this route of " + route.route_table_id + ", or mend its target.")};
    }

    std::string why_inactive(const RouteState& route) const {
        switch (route.target) {
            case RouteTarget::internet_gateway:
            case RouteTarget::egress_only_gateway:
                return "it is not attached to " + snapshot_.vpc.id.str();
            case RouteTarget::nat_gateway:
                return "there is no such NAT gateway at work";
            case RouteTarget::network_interface:
                return "it is not attached to an instance";
            case RouteTarget::peering:
                return "the peering is not active";
        }
        return "";
    }

    Hop by_table(const RouteState& route) const {
        if (!route.active) return blackhole(route, why_inactive(route));
        Hop hop{
            .step = {false, Outcome::pass, table() + ": " + route.destination + " → " + route.target_id, ""}};
        switch (route.target) {
            case RouteTarget::internet_gateway:
            case RouteTarget::nat_gateway:
                return to_gateway(route, std::move(hop));
            case RouteTarget::egress_only_gateway:
                return to_gateway(route, std::move(hop));
            case RouteTarget::network_interface:
                hop.to = Hop::To::interface;
                hop.subnet = find_subnet(snapshot_, SubnetId::trusted(route.next_subnet));
                hop.interface = find_interface(snapshot_, NetworkInterfaceId::trusted(route.target_id));
                return hop;
            case RouteTarget::peering:
                return to_peer(route, std::move(hop));
        }
        return hop;
    }

    Hop to_gateway(const RouteState& route, Hop hop) const {
        if (packet_.destination.is_ipv6()) return to_ipv6_gateway(route, std::move(hop));
        if (snapshot_.router_ip.empty())
            return blackhole(route, "the pool of public addresses had none left for its router");
        hop.to = Hop::To::outside;
        for (const auto& gateway : snapshot_.nat_gateways)
            if (gateway.id.str() == route.target_id) hop.nat_gateway = &gateway;
        return hop;
    }

    Hop to_ipv6_gateway(const RouteState& route, Hop hop) const {
        if (!world_.pools.ipv6) return blackhole(route, "Lodge's public network has no IPv6");
        if (route.target == RouteTarget::nat_gateway) return blackhole(route, "NAT gateways carry no IPv6");
        hop.to = Hop::To::outside;
        return hop;
    }

    Hop to_peer(const RouteState& route, Hop hop) const {
        if (packet_.destination.is_ipv6()) return blackhole(route, "Lodge's peerings carry no IPv6");
        hop.to = Hop::To::peer;
        for (const auto& state : snapshot_.peerings)
            if (state.peering.id.str() == route.target_id) hop.peering = &state;
        return hop;
    }

    const World& world_;
    const Snapshot& snapshot_;
    const SubnetState* from_;
    const Packet& packet_;
    std::optional<Candidate> best_;
    std::optional<Candidate> of_table_;
};

}  // namespace

Hop route(const World& world, const Snapshot& snapshot, const SubnetState* from, const Packet& packet) {
    return Router(world, snapshot, from, packet).hop();
}

}  // namespace lodge::network
