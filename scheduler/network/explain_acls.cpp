// Network ACLs, as render_acls.cpp has them: the lowest number that matches decides, and what none matches is
// denied. Stateless: replies are judged like anything else.
#include <algorithm>

#include "scheduler/network/explain_parts.h"

namespace lodge::network {
namespace {

// IANA's number for a name, as entries have it.
std::string_view number_of(std::string_view protocol) {
    if (protocol == "tcp") return "6";
    if (protocol == "udp") return "17";
    if (protocol == "icmp") return "1";
    if (protocol == "icmpv6") return "58";
    return protocol;
}

bool is_about(const NetworkAclEntry& entry, const Packet& packet) {
    if (!holds(entry.cidr, entry.is_egress ? packet.destination : packet.source)) return false;
    if (entry.protocol == "-1") return true;
    if (entry.protocol != number_of(packet.protocol)) return false;
    if (!packet.protocol.starts_with("icmp")) return true;
    return (entry.icmp_type < 0 || entry.icmp_type == packet.icmp_type) && entry.icmp_code <= 0;
}

PortRange ports_of(const NetworkAclEntry& entry, const Packet& packet) {
    bool all = !has_ports(packet) || entry.protocol == "-1" || entry.from_port < 0;
    return all ? packet.ports : PortRange{entry.from_port, entry.to_port};
}

// Takes `cut` out of `open`; returns what was in both.
std::vector<PortRange> take(std::vector<PortRange>& open, const PortRange& cut) {
    std::vector<PortRange> taken;
    std::vector<PortRange> left;
    for (const auto& range : open) {
        PortRange both{std::max(range.from, cut.from), std::min(range.to, cut.to)};
        if (both.from > both.to) {
            left.push_back(range);
            continue;
        }
        taken.push_back(both);
        if (range.from < both.from) left.push_back({range.from, both.from - 1});
        if (both.to < range.to) left.push_back({both.to + 1, range.to});
    }
    open = std::move(left);
    return taken;
}

std::string text_of(const std::vector<PortRange>& ranges) {
    std::string text;
    for (const auto& [from, to] : ranges)
        text +=
            (text.empty() ? "" : ", ") + std::to_string(from) + (from == to ? "" : "-" + std::to_string(to));
    return text;
}

std::string traffic_of(const NetworkAclEntry& entry, const Packet& packet) {
    if (entry.protocol == "-1") return "all traffic";
    if (!has_ports(packet)) return describe(packet);
    if (entry.from_port < 0) return packet.protocol;
    return packet.protocol + "/" + text_of({{entry.from_port, entry.to_port}});
}

// What a list's entries make of a packet, entry by entry.
class Judgement {
  public:
    Judgement(const SubnetState& subnet, const Packet& packet, bool is_egress)
        : subnet_(subnet), packet_(packet), is_egress_(is_egress), open_{packet.ports} {
        auto entries = subnet.acl_entries;
        std::sort(entries.begin(), entries.end(),
                  [](const auto& a, const auto& b) { return a.rule_number < b.rule_number; });
        for (const auto& entry : entries)
            if (entry.is_egress == is_egress && is_about(entry, packet)) apply(entry);
    }

    Step step() const {
        if (allowed_.empty()) return stop();
        if (open_.empty() && denied_.empty()) return {false, Outcome::pass, list() + allowing_, ""};
        // Only replies are for many ports.
        return {false, Outcome::note,
                list() + allowing_ + ", but drops " + packet_.protocol + " to ports " + text_of(dropped()) +
                    ": clients that use those get no answer",
                ""};
    }

  private:
    void apply(const NetworkAclEntry& entry) {
        auto taken = take(open_, ports_of(entry, packet_));
        if (taken.empty()) return;
        auto& into = entry.allow ? allowed_ : denied_;
        into.insert(into.end(), taken.begin(), taken.end());
        auto& sentence = entry.allow ? allowing_ : denying_;
        if (!sentence.empty()) return;
        sentence = " rule " + std::to_string(entry.rule_number) + (entry.allow ? " allows " : " denies ") +
                   traffic_of(entry, packet_) + (is_egress_ ? " to " : " from ") + entry.cidr;
        if (!entry.allow) denying_rule_ = entry.rule_number;
    }

    std::string list() const {
        return subnet_.network_acl_id.str() + " of " + subnet_.subnet.id.str() +
               (is_egress_ ? " egress" : " ingress");
    }

    std::vector<PortRange> dropped() const {
        auto all = denied_;
        all.insert(all.end(), open_.begin(), open_.end());
        std::sort(all.begin(), all.end());
        return all;
    }

    Step stop() const {
        auto other = (is_egress_ ? packet_.destination : packet_.source).str();
        auto way = describe(packet_) + (is_egress_ ? " to " : " from ") + other;
        auto number = denying_rule_ ? " with a number below " + std::to_string(*denying_rule_) : "";
        return {false, Outcome::stop,
                list() + (denying_.empty() ? " has no rule for " + way + ": denied by rule *" : denying_),
                "Add an " + std::string(is_egress_ ? "egress" : "ingress") + " rule" + number +
                    " that allows " + way + " to " + subnet_.network_acl_id.str() + "."};
    }

    const SubnetState& subnet_;
    const Packet& packet_;
    const bool is_egress_;
    std::vector<PortRange> open_;  // what no entry has decided yet
    std::vector<PortRange> allowed_;
    std::vector<PortRange> denied_;
    std::string allowing_;
    std::string denying_;
    std::optional<std::int64_t> denying_rule_;
};

}  // namespace

Step judge_acl(const SubnetState& subnet, const Packet& packet, bool is_egress) {
    return Judgement(subnet, packet, is_egress).step();
}

std::vector<Step> judge_nat_gateway(const Snapshot& snapshot, const NatGateway& gateway,
                                    const IpAddress& inside, const Packet& packet) {
    std::vector<Step> steps;
    const auto* home = find_subnet(snapshot, gateway.subnet_id);
    if (!home || is_in(*home, inside)) return steps;
    for (bool is_egress : {false, true}) {
        steps.push_back(judge_acl(*home, packet, is_egress));
        if (steps.back().outcome == Outcome::stop) break;
    }
    return steps;
}

}  // namespace lodge::network
