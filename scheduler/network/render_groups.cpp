// Security groups: a port group each, stateful rules over a default drop that all of a VPC's interfaces
// share.
#include <algorithm>

#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

// Of ACLs the highest wins.
constexpr std::int64_t drop_priority = 1000;
constexpr std::int64_t always_priority = 1001;  // DHCP, DNS, metadata: no group keeps a guest from them
constexpr std::int64_t rule_priority = 1002;

std::string protocol_match(const SecurityGroupRule& rule, bool of_ipv6) {
    auto between = [&](const std::string& field) {
        if (rule.from_port < 0) return std::string();
        if (rule.from_port == rule.to_port) return " && " + field + " == " + std::to_string(rule.from_port);
        return " && " + field + " >= " + std::to_string(rule.from_port) + " && " + field +
               " <= " + std::to_string(rule.to_port);
    };
    auto icmp = [&](const std::string& name) {
        auto match = " && " + name;
        if (rule.from_port >= 0) match += " && " + name + ".type == " + std::to_string(rule.from_port);
        if (rule.from_port >= 0 && rule.to_port >= 0)
            match += " && " + name + ".code == " + std::to_string(rule.to_port);
        return match;
    };
    if (rule.protocol == "-1") return "";
    if (rule.protocol == "tcp" || rule.protocol == "6") return " && tcp" + between("tcp.dst");
    if (rule.protocol == "udp" || rule.protocol == "17") return " && udp" + between("udp.dst");
    if (rule.protocol == "icmp" || rule.protocol == "1") return of_ipv6 ? " && 0" : icmp("icmp4");
    if (rule.protocol == "icmpv6" || rule.protocol == "58") return of_ipv6 ? icmp("icmp6") : " && 0";
    return " && ip.proto == " + rule.protocol;
}

class Groups {
  public:
    Groups(const Snapshot& snapshot, Rows& out) : snapshot_(snapshot), out_(out) {}

    void group(const GroupState& state) {
        std::vector<Json> ports;
        for (const auto& each : snapshot_.interfaces)
            if (std::count(each.groups.begin(), each.groups.end(), state.group.id))
                ports.push_back(port(each));
        auto name = port_group_name(state.group.id.str());
        const auto& key = state.group.id.str();
        out_.push_back({"Port_Group", key, {{"name", name}, {"ports", set_of(ports)}}, "", ""});
        for (const auto& rule : state.rules) this->rule(rule, name, key);
    }

    // Every interface is in here, whatever its groups.
    void defaults() {
        std::vector<Json> ports;
        for (const auto& each : snapshot_.interfaces)
            if (each.interface.interface_type == "interface") ports.push_back(port(each));
        auto key = snapshot_.vpc.id.str() + "/interfaces";
        auto name = "vpc_" + std::string(digits_of(snapshot_.vpc.id.str()));
        out_.push_back({"Port_Group", key, {{"name", name}, {"ports", set_of(ports)}}, "", ""});
        auto in = "outport == @" + name;
        auto out = "inport == @" + name;
        acl(key + "/drop-in", key, "to-lport", drop_priority, in + " && ip", "drop");
        acl(key + "/drop-out", key, "from-lport", drop_priority, out + " && ip", "drop");
        acl(key + "/dhcp", key, "from-lport", always_priority,
            out + " && ip4 && udp.src == 68 && udp.dst == 67", "allow");
        acl(key + "/dhcp-in", key, "to-lport", always_priority,
            in + " && ip4 && udp.src == 67 && udp.dst == 68", "allow");
        acl(key + "/dhcp6", key, "from-lport", always_priority,
            out + " && ip6 && udp.src == 546 && udp.dst == 547", "allow");
        // Neighbours and routers of IPv6; OVN itself keeps guests from advertising what is not theirs.
        acl(key + "/nd", key, "from-lport", always_priority, out + " && (nd || nd_rs)", "allow");
        acl(key + "/nd-in", key, "to-lport", always_priority, in + " && (nd || nd_ra)", "allow");
        acl(key + "/imds", key, "from-lport", always_priority,
            out + " && ip4.dst == 169.254.169.254 && tcp.dst == 80", "allow-related");
        for (std::string protocol : {"udp", "tcp"})
            acl(key + "/dns-" + protocol, key, "from-lport", always_priority,
                out + " && ip4.dst == {169.254.169.253, " + resolver() + "} && " + protocol + ".dst == 53",
                "allow-related");
        // A guest that plays DHCP server or router stays alone with it.
        acl(key + "/no-server", key, "from-lport", rule_priority + 1,
            out + " && ((ip4 && udp.src == 67) || (ip6 && udp.src == 547) || nd_ra)", "drop");
    }

  private:
    static Json port(const InterfaceState& state) { return reference(state.interface.id.str()); }

    std::string resolver() const {
        auto cidr = Cidr::parse(snapshot_.vpc.cidr);
        return cidr ? cidr->network().plus(2).str() : "169.254.169.253";
    }

    void acl(const std::string& key, const std::string& parent, const std::string& direction,
             std::int64_t priority, const std::string& match, const std::string& action) {
        out_.push_back(
            {"ACL",
             key,
             {{"direction", direction}, {"priority", priority}, {"match", match}, {"action", action}},
             parent,
             "acls"});
    }

    // The other side of a rule, in one family; nothing if it has none there.
    std::string other_side(const SecurityGroupRule& rule, bool of_ipv6) const {
        std::string field = std::string(of_ipv6 ? "ip6" : "ip4") + (rule.is_egress ? ".dst" : ".src");
        std::string family = of_ipv6 ? "ip6" : "ip4";
        if (!rule.cidr.empty()) {
            if (is_ipv6_text(rule.cidr) != of_ipv6) return "";
            return rule.cidr.ends_with("/0") ? family : field + " == " + rule.cidr;
        }
        if (!rule.referenced_group_id.empty())
            return field + " == $" + port_group_name(rule.referenced_group_id) + "_" + family;
        auto list = snapshot_.prefix_lists.find(rule.prefix_list_id);
        if (list == snapshot_.prefix_lists.end()) return "";
        std::string members;
        for (const auto& cidr : list->second)
            if (is_ipv6_text(cidr) == of_ipv6) members += (members.empty() ? "" : ", ") + cidr;
        return members.empty() ? "" : field + " == {" + members + "}";
    }

    void rule(const SecurityGroupRule& rule, const std::string& name, const std::string& parent) {
        std::string port = (rule.is_egress ? "inport == @" : "outport == @") + name;
        for (bool of_ipv6 : {false, true}) {
            auto other = other_side(rule, of_ipv6);
            auto protocol = protocol_match(rule, of_ipv6);
            if (other.empty() || protocol == " && 0") continue;
            acl(rule.id.str() + (of_ipv6 ? "/6" : "/4"), parent, rule.is_egress ? "from-lport" : "to-lport",
                rule_priority, port + " && " + other + protocol, "allow-related");
        }
    }

    const Snapshot& snapshot_;
    Rows& out_;
};

}  // namespace

void render_groups(const Snapshot& snapshot, Rows& out) {
    Groups groups(snapshot, out);
    groups.defaults();
    for (const auto& state : snapshot.groups) groups.group(state);
}

}  // namespace lodge::network
