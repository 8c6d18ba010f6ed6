// Security groups, as render_groups.cpp has them: what no rule of any group allows is dropped, but for DHCP,
// DNS and metadata.
#include <algorithm>

#include "scheduler/network/explain_parts.h"

namespace lodge::network {
namespace {

constexpr std::string_view imds_address = "169.254.169.254";
constexpr std::string_view dns_address = "169.254.169.253";

bool is_member(const World& world, const std::string& group_id, const IpAddress& address) {
    for (const auto& [id, snapshot] : world.vpcs)
        for (const auto& state : snapshot.interfaces)
            if (std::count(state.groups.begin(), state.groups.end(), SecurityGroupId::trusted(group_id)) &&
                has_address(state, address))
                return true;
    return false;
}

bool is_other_side(const World& world, const Snapshot& snapshot, const SecurityGroupRule& rule,
                   const IpAddress& other) {
    if (!rule.cidr.empty()) return holds(rule.cidr, other);
    if (!rule.referenced_group_id.empty()) return is_member(world, rule.referenced_group_id, other);
    auto list = snapshot.prefix_lists.find(rule.prefix_list_id);
    return list != snapshot.prefix_lists.end() &&
           std::any_of(list->second.begin(), list->second.end(),
                       [&](const std::string& cidr) { return holds(cidr, other); });
}

// One way of writing for those that EC2 knows by name.
std::string_view name_of(std::string_view protocol) {
    if (protocol == "6") return "tcp";
    if (protocol == "17") return "udp";
    if (protocol == "1") return "icmp";
    if (protocol == "58") return "icmpv6";
    return protocol;
}

bool is_of_protocol(const SecurityGroupRule& rule, const Packet& packet) {
    auto protocol = name_of(rule.protocol);
    if (protocol == "-1") return true;
    if (protocol != packet.protocol) return false;
    if (rule.from_port < 0) return true;
    if (has_ports(packet)) return rule.from_port <= packet.ports.from && packet.ports.to <= rule.to_port;
    if (!packet.protocol.starts_with("icmp")) return true;
    return rule.from_port == packet.icmp_type && rule.to_port <= 0;  // echoes have code 0
}

std::string traffic_of(const SecurityGroupRule& rule) {
    auto protocol = std::string(name_of(rule.protocol));
    if (protocol == "-1") return "all traffic";
    if (protocol != "tcp" && protocol != "udp" && !protocol.starts_with("icmp"))
        return "protocol " + protocol;
    if (rule.from_port < 0) return protocol;
    auto first = protocol + (protocol.starts_with("icmp") ? " type " : "/") + std::to_string(rule.from_port);
    bool is_range = !protocol.starts_with("icmp") && rule.to_port != rule.from_port;
    return is_range ? first + "-" + std::to_string(rule.to_port) : first;
}

std::string describe_rule(const SecurityGroupRule& rule) {
    auto other = rule.cidr + rule.prefix_list_id + rule.referenced_group_id;
    return rule.group_id.str() + " " + (rule.is_egress ? "egress" : "ingress") + " rule " + rule.id.str() +
           " allows " + traffic_of(rule) + (rule.is_egress ? " to " : " from ") + other;
}

// What every guest may send, whatever its groups.
std::string service_of(const Snapshot& snapshot, const Packet& packet) {
    auto is_at = [&](std::string_view address) { return packet.destination == IpAddress::parse(address); };
    auto port = packet.ports.from;
    if (packet.protocol == "udp" && port == 67 && !packet.destination.is_ipv6()) return "DHCP";
    if (packet.protocol == "udp" && port == 547 && packet.destination.is_ipv6()) return "DHCPv6";
    if (packet.protocol == "tcp" && port == 80 && is_at(imds_address)) return "instance metadata";
    bool is_resolver = is_at(dns_address) || packet.destination == resolver_of(snapshot);
    if (has_ports(packet) && port == 53 && is_resolver) return "the VPC's resolver";
    return "";
}

Step nothing_allows(const InterfaceState& interface, const Packet& packet, bool is_egress) {
    std::string direction = is_egress ? "egress" : "ingress";
    auto other = (is_egress ? packet.destination : packet.source).str();
    auto way = describe(packet) + (is_egress ? " to " : " from ") + other;
    if (interface.groups.empty())
        return {false, Outcome::stop,
                interface.interface.id.str() + " has no security group: " + direction +
                    " traffic is dropped by default",
                "Give it a group with an " + direction + " rule for " + way + "."};
    std::string groups;
    for (const auto& group : interface.groups) groups += (groups.empty() ? "" : ", ") + group.str();
    auto prefix = packet.source.is_ipv6() ? "/128" : "/32";
    return {
        false, Outcome::stop,
        groups + (interface.groups.size() == 1 ? " has no " : " have no ") + direction + " rule for " + way +
            ": dropped by default",
        "Add an " + direction + " rule for " + way + prefix + " to " + interface.groups.front().str() + "."};
}

}  // namespace

Step judge_groups(const World& world, const Snapshot& snapshot, const InterfaceState& interface,
                  const Packet& packet, bool is_egress) {
    for (const auto& state : snapshot.groups) {
        if (!std::count(interface.groups.begin(), interface.groups.end(), state.group.id)) continue;
        for (const auto& rule : state.rules)
            if (rule.is_egress == is_egress && is_of_protocol(rule, packet) &&
                is_other_side(world, snapshot, rule, is_egress ? packet.destination : packet.source))
                return {false, Outcome::pass, describe_rule(rule), ""};
    }
    auto service = is_egress ? service_of(snapshot, packet) : "";
    if (!service.empty())
        return {false, Outcome::pass, service + " is open to every instance, whatever its groups", ""};
    return nothing_allows(interface, packet, is_egress);
}

}  // namespace lodge::network
