// Packets, and where addresses are.
#include <algorithm>

#include "scheduler/network/explain_parts.h"

namespace lodge::network {
namespace {

constexpr std::int64_t echo_request = 8;
constexpr std::int64_t echo_reply = 0;
constexpr std::int64_t echo_request6 = 128;
constexpr std::int64_t echo_reply6 = 129;

}  // namespace

bool has_ports(const Packet& packet) {
    return packet.protocol == "tcp" || packet.protocol == "udp";
}

std::string describe(const Packet& packet) {
    const auto& [from, to] = packet.ports;
    if (has_ports(packet))
        return packet.protocol + "/" + std::to_string(from) + (from == to ? "" : "-" + std::to_string(to));
    return packet.protocol.starts_with("icmp") ? packet.protocol : "protocol " + packet.protocol;
}

Packet first_packet(const Traffic& traffic, const IpAddress& source, const IpAddress& destination) {
    Packet packet{source, destination, traffic.protocol, {traffic.port, traffic.port}, 0};
    if (traffic.protocol != "icmp") return packet;
    packet.protocol = source.is_ipv6() ? "icmpv6" : "icmp";
    packet.icmp_type = source.is_ipv6() ? echo_request6 : echo_request;
    return packet;
}

Packet reply_to(const Packet& packet) {
    return {packet.destination, packet.source, packet.protocol, ephemeral_ports,
            packet.source.is_ipv6() ? echo_reply6 : echo_reply};
}

bool is_in(const SubnetState& subnet, const IpAddress& address) {
    return holds(subnet.subnet.cidr, address) ||
           std::any_of(subnet.ipv6_cidrs.begin(), subnet.ipv6_cidrs.end(),
                       [&](const SubnetIpv6Cidr& ipv6) { return holds(ipv6.cidr, address); });
}

const SubnetState* find_subnet(const Snapshot& snapshot, const SubnetId& id) {
    for (const auto& state : snapshot.subnets)
        if (state.subnet.id == id) return &state;
    return nullptr;
}

const SubnetState* subnet_around(const Snapshot& snapshot, const IpAddress& address) {
    for (const auto& state : snapshot.subnets)
        if (is_in(state, address)) return &state;
    return nullptr;
}

bool has_address(const InterfaceState& state, const IpAddress& address) {
    return std::any_of(state.addresses.begin(), state.addresses.end(),
                       [&](const InterfaceAddress& each) { return each.address == address.str(); });
}

const InterfaceState* find_interface(const Snapshot& snapshot, const NetworkInterfaceId& id) {
    for (const auto& state : snapshot.interfaces)
        if (state.interface.id == id) return &state;
    return nullptr;
}

const InterfaceState* find_interface(const Snapshot& snapshot, const SubnetId& subnet_id,
                                     const IpAddress& address) {
    for (const auto& state : snapshot.interfaces)
        if (state.interface.subnet_id == subnet_id && has_address(state, address)) return &state;
    return nullptr;
}

std::string describe(const Subnet& subnet) {
    return subnet.id.str() + " (" + subnet.cidr + ")";
}

std::optional<IpAddress> resolver_of(const Snapshot& snapshot) {
    auto cidr = Cidr::parse(snapshot.vpc.cidr);
    return cidr ? std::optional(cidr->network().plus(2)) : std::nullopt;
}

}  // namespace lodge::network
