#include "scheduler/network/explain_walk.h"

#include <algorithm>

#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

using At = Arrival::At;

// Whether somebody is there to send and receive.
Step state_of(const World& world, const InterfaceState& state) {
    const auto& interface = state.interface;
    if (interface.instance_id.empty() || interface.attachment_id.empty())
        return {false, Outcome::stop, interface.id.str() + " is not attached to an instance",
                "Attach it: aws ec2 attach-network-interface."};
    auto found = world.instances.find(interface.instance_id);
    auto instance_state = found == world.instances.end() ? InstanceState::terminated : found->second;
    auto text = interface.instance_id + " (" + interface.id.str() + ") is " +
                std::string(found == world.instances.end() ? "not there" : to_text(instance_state));
    if (instance_state == InstanceState::running) return {false, Outcome::pass, text, ""};
    auto advice = instance_state == InstanceState::stopped ? "Start it." : "Wait for it, or start another.";
    return {false, Outcome::stop, text, advice};
}

bool is(const IpAddress& address, std::string_view text) {
    return IpAddress::parse(text) == address;
}

bool is_ping(const Packet& packet) {
    return packet.protocol.starts_with("icmp");
}

}  // namespace

std::string service_at(const Snapshot& snapshot, const SubnetState& subnet, const Packet& packet) {
    const auto& to = packet.destination;
    if (is(to, "169.254.169.254")) return "instance metadata, tcp/80";
    if (is(to, "169.254.169.253") || to == resolver_of(snapshot))
        return "the VPC's resolver, udp/53 and tcp/53";
    auto cidr = Cidr::parse(subnet.subnet.cidr);
    bool is_server = is(to, "255.255.255.255") || (cidr && to == router_address(*cidr));
    return packet.protocol == "udp" && packet.ports.from == 67 && is_server ? "DHCP, udp/67" : "";
}

bool is_for_many(const SubnetState& subnet, const IpAddress& address) {
    static const Cidr multicast = *Cidr::parse("224.0.0.0/4");
    static const Cidr multicast6 = *Cidr::parse("ff00::/8");
    auto cidr = Cidr::parse(subnet.subnet.cidr);
    return is(address, "255.255.255.255") || (cidr && address == cidr->last()) ||
           multicast.contains(address) || multicast6.contains(address);
}

bool is_router_address(const Snapshot& snapshot, const IpAddress& address) {
    auto is_first = [&](const std::string& cidr_text) {
        auto cidr = Cidr::parse(cidr_text);
        return cidr && router_address(*cidr) == address;
    };
    for (const auto& state : snapshot.subnets) {
        if (is_first(state.subnet.cidr)) return true;
        for (const auto& ipv6 : state.ipv6_cidrs)
            if (is_first(ipv6.cidr)) return true;
    }
    if (snapshot.gateway && snapshot.router_ip == address.str()) return true;
    return std::any_of(snapshot.peerings.begin(), snapshot.peerings.end(), [&](const PeeringState& state) {
        return peering_address(state.peering, state.is_requester) == address;
    });
}

bool Walk::add(Step step) {
    step.of_reply = is_reply_;
    bool goes_on = step.outcome != Outcome::stop;
    steps_.push_back(std::move(step));
    return goes_on;
}

// False at the first that stops it.
bool Walk::add_all(std::vector<Step> steps) {
    return std::all_of(steps.begin(), steps.end(), [&](Step& step) { return add(std::move(step)); });
}

Arrival Walk::stop(std::string text, std::string advice) {
    add({false, Outcome::stop, std::move(text), std::move(advice)});
    return {};
}

Arrival Walk::note(Arrival arrival, std::string text) {
    add({false, Outcome::note, std::move(text), ""});
    return arrival;
}

Arrival Walk::from_interface(const Snapshot& snapshot, const InterfaceState& interface) {
    const auto* subnet = find_subnet(snapshot, interface.interface.subnet_id);
    if (!subnet)
        return stop(interface.interface.subnet_id.str() + " is gone", "Launch in a subnet that is there.");
    if (!is_reply_ &&
        (!add(state_of(world_, interface)) || !add(judge_groups(world_, snapshot, interface, packet_, true))))
        return {};
    if (!service_at(snapshot, *subnet, packet_).empty()) return to_service(snapshot);
    if (is_for_many(*subnet, packet_.destination)) return to_everybody(*subnet);
    if (is_in(*subnet, packet_.destination)) return on_link(snapshot, *subnet);
    return through_router(snapshot, subnet);
}

Arrival Walk::from_outside() {
    const auto& to = packet_.destination;
    if (to.is_ipv6()) return from_outside_ipv6();
    if (auto known = translations_.find(to); known != translations_.end()) {
        const auto& [vpc_id, address, gateway] = known->second;
        const auto& snapshot = world_.vpcs.at(vpc_id);
        add({false, Outcome::pass, "NAT: " + to.str() + " back to " + address.str(), ""});
        packet_.destination = address;
        if (!add_all(judge_nat_gateway(snapshot, *gateway, address, packet_))) return {};
        return through_router(snapshot, nullptr);
    }
    for (const auto& [id, snapshot] : world_.vpcs)
        if (snapshot.gateway && snapshot.router_ip == to.str()) return to_router(snapshot, nullptr);
    if (auto entry = entry_of(world_, to)) return enter(*entry);
    bool is_own =
        world_.pools.ipv4 && world_.pools.ipv4->contains(to) && to != router_address(*world_.pools.ipv4);
    if (is_own) return stop("no interface has the public address " + to.str(), "Associate it with one.");
    return {At::outside};
}

Arrival Walk::from_outside_ipv6() {
    const auto& to = packet_.destination;
    if (auto entry = entry_of_ipv6(world_, to)) {
        const auto& interface = entry->interface->interface;
        if (is_reachable_ipv6(*entry->snapshot, *entry->interface))
            return through_router(*entry->snapshot, nullptr);
        return stop(interface.subnet_id.str() + " of " + interface.id.str() +
                        " has no route to an internet gateway: nothing outside finds " + to.str(),
                    "Add a route to one for IPv6 to its route table.");
    }
    const auto& pool = world_.pools.ipv6;
    if (pool && pool->contains(to) && to != router_address(*pool))
        return stop("no interface has " + to.str(),
                    "Nobody answers for this address; look for the one that was meant.");
    return {At::outside};
}

Arrival Walk::to_service(const Snapshot& snapshot) {
    const auto& to = packet_.destination;
    bool is_metadata = is(to, "169.254.169.254");
    bool is_resolver = is(to, "169.254.169.253") || to == resolver_of(snapshot);
    auto port = packet_.ports.from;
    bool answers = is_ping(packet_) || (is_metadata && packet_.protocol == "tcp" && port == 80) ||
                   (is_resolver && has_ports(packet_) && port == 53) || (!is_metadata && !is_resolver);
    if (!answers)
        return stop(to.str() + " does not serve " + describe(packet_),
                    "It is " + std::string(is_metadata ? "instance metadata, tcp/80."
                                                       : "the VPC's resolver, udp/53 and tcp/53."));
    return note({At::service, &snapshot}, "the instance's own host answers: no route and no network ACL");
}

// OVN, unlike EC2, carries it; within the switch.
Arrival Walk::to_everybody(const SubnetState& subnet) {
    return note({At::service},
                "every interface in " + describe(subnet.subnet) + " whose groups let it in gets it");
}

// A router answers by the nameless route table whom it does not know by a subnet, and that leads to nobody
// there. Its answers pass network ACLs as if they came out of the subnet and went into it.
Arrival Walk::to_router(const Snapshot& snapshot, const SubnetState* from) {
    auto text = packet_.destination.str() + " is the router of " + snapshot.vpc.id.str();
    if (!from) return stop(text + ", which answers its own subnets alone", "Name an instance instead.");
    if (!is_ping(packet_)) return stop(text + ": it takes no connections", "Name an instance instead.");
    auto answer = reply_to(packet_);
    for (bool is_egress : {true, false}) {
        auto step = judge_acl(*from, answer, is_egress);
        if (step.outcome != Outcome::stop) continue;
        add(std::move(step));
        return {};
    }
    return note({At::router, &snapshot}, text + ", which answers pings");
}

Arrival Walk::on_link(const Snapshot& snapshot, const SubnetState& subnet) {
    if (is_router_address(snapshot, packet_.destination)) return to_router(snapshot, &subnet);
    const auto* interface = find_interface(snapshot, subnet.subnet.id, packet_.destination);
    if (!interface)
        return stop("no interface in " + describe(subnet.subnet) + " has " + packet_.destination.str(),
                    "Nobody answers for this address; look for the one that was meant.");
    if (!is_reply_)
        add({false, Outcome::note,
             "both are in " + describe(subnet.subnet) + ": no route and no network ACL in between", ""});
    return deliver(snapshot, *interface);
}

Arrival Walk::through_router(const Snapshot& snapshot, const SubnetState* from) {
    if (is_router_address(snapshot, packet_.destination)) return to_router(snapshot, from);
    auto hop = route(world_, snapshot, from, packet_);
    if (!add(hop.step)) return {};
    if (from && !add(judge_acl(*from, packet_, true))) return {};
    switch (hop.to) {
        case Hop::To::outside:
            return leave(snapshot, hop);
        case Hop::To::peer:
            return hop.peering ? to_peer(*hop.peering) : Arrival{};
        case Hop::To::subnet:
        case Hop::To::interface:
            return into_subnet(snapshot, hop);
        case Hop::To::nowhere:
            break;
    }
    return {};
}

Arrival Walk::into_subnet(const Snapshot& snapshot, const Hop& hop) {
    if (!hop.subnet) return {};
    if (!add(judge_acl(*hop.subnet, packet_, false))) return {};
    const auto* interface =
        hop.interface ? hop.interface : find_interface(snapshot, hop.subnet->subnet.id, packet_.destination);
    if (interface) return deliver(snapshot, *interface);
    return stop("no interface in " + describe(hop.subnet->subnet) + " has " + packet_.destination.str(),
                "Nobody answers for this address; look for the one that was meant.");
}

Arrival Walk::to_peer(const PeeringState& state) {
    const auto& peering = state.peering;
    auto other = (state.is_requester ? peering.accepter : peering.requester).vpc_id;
    auto found = world_.vpcs.find(other);
    if (found == world_.vpcs.end()) return stop(other.str() + ", the peer, is gone", "Make a new peering.");
    return through_router(found->second, nullptr);
}

Arrival Walk::leave(const Snapshot& snapshot, const Hop& hop) {
    if (packet_.source.is_ipv6())
        return add(judge_exit_ipv6(snapshot, packet_.source)) ? from_outside() : Arrival{};
    auto exit = exit_of(snapshot, packet_.source, hop.nat_gateway);
    if (exit.nat_gateway && !add_all(judge_nat_gateway(snapshot, *exit.nat_gateway, packet_.source, packet_)))
        return {};
    if (!add(exit.step)) return {};
    if (!exit.public_address) return {};
    if (exit.nat_gateway)
        translations_[*exit.public_address] = {snapshot.vpc.id, packet_.source, exit.nat_gateway};
    packet_.source = *exit.public_address;
    return from_outside();
}

Arrival Walk::enter(const Entry& entry) {
    const auto& snapshot = *entry.snapshot;
    const auto& interface = entry.interface->interface;
    auto address = packet_.destination.str();
    if (interface.interface_type == "nat_gateway")
        return stop(address + " is a NAT gateway's (" + interface.id.str() + "), which takes no connections",
                    "Reach instances behind it by addresses of their own.");
    if (!snapshot.gateway)
        return stop(snapshot.vpc.id.str() + " of " + interface.id.str() + " has no internet gateway",
                    "Attach one, and route " + interface.subnet_id.str() + " to it.");
    if (!is_reachable(snapshot, *entry.interface))
        return stop(interface.subnet_id.str() + " of " + interface.id.str() +
                        " has no route to an internet gateway: " + address + " does not work",
                    "Add a route to " + snapshot.gateway->id.str() + " to its route table.");
    packet_.destination = entry.private_address;
    add({false, Outcome::pass,
         snapshot.gateway->id.str() + " translates " + address + " to " + packet_.destination.str() + " of " +
             interface.id.str(),
         ""});
    return through_router(snapshot, nullptr);
}

Arrival Walk::deliver(const Snapshot& snapshot, const InterfaceState& state) {
    const auto& interface = state.interface;
    bool is_own = has_address(state, packet_.destination);
    if (interface.interface_type == "nat_gateway")
        return stop(interface.id.str() + " is a NAT gateway's, which takes no connections",
                    "Name an instance instead.");
    if (!is_own && interface.source_dest_check)
        return stop(interface.id.str() + " drops what is not for its own addresses: source/dest check is on",
                    "Turn it off: aws ec2 modify-network-interface-attribute --no-source-dest-check "
                    "--network-interface-id " +
                        interface.id.str() + ".");
    if (!is_reply_) {
        if (auto step = judge_egress_only(snapshot, state, packet_)) {
            add(std::move(*step));
            return {};
        }
        if (!add(judge_groups(world_, snapshot, state, packet_, false)) || !add(state_of(world_, state)))
            return {};
    }
    if (is_own) return {At::interface, &snapshot, &state};
    return note({At::forwarder, &snapshot, &state},
                interface.instance_id + " takes it to forward it: what becomes of it is that guest's choice");
}

}  // namespace lodge::network
