// Network ACLs: stateless policies of the router, for what crosses a subnet's border. Out of one subnet and
// into another are two lists, so the first's "allow" jumps to the second. Traffic inside a subnet, and with
// DHCP, DNS and metadata, which do not pass the router, is not theirs, as in EC2.
#include <set>
#include <utility>

#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

constexpr std::int64_t highest = 32767;  // of OVN's priorities; EC2's rule numbers go from 1 to 32766

std::string protocol_match(const NetworkAclEntry& entry) {
    auto ports = [&](const std::string& name) {
        if (entry.from_port < 0) return name;
        return name + " && " + name + ".dst >= " + std::to_string(entry.from_port) + " && " + name +
               ".dst <= " + std::to_string(entry.to_port);
    };
    auto icmp = [&](const std::string& name) {
        auto match = name;
        if (entry.icmp_type >= 0) match += " && " + name + ".type == " + std::to_string(entry.icmp_type);
        if (entry.icmp_code >= 0) match += " && " + name + ".code == " + std::to_string(entry.icmp_code);
        return match;
    };
    if (entry.protocol == "-1") return "";
    if (entry.protocol == "6") return ports("tcp");
    if (entry.protocol == "17") return ports("udp");
    if (entry.protocol == "1") return icmp("icmp4");
    if (entry.protocol == "58") return icmp("icmp6");
    return "ip.proto == " + entry.protocol;
}

// An ingress entry's CIDR is the source, an egress entry's the destination.
std::string match_of(const NetworkAclEntry& entry) {
    bool is_ipv6 = entry.cidr.find(':') != std::string::npos;
    std::string family = is_ipv6 ? "ip6" : "ip4";
    auto match = family;
    if (!entry.cidr.ends_with("/0"))
        match += "." + std::string(entry.is_egress ? "dst" : "src") + " == " + entry.cidr;
    auto protocol = protocol_match(entry);
    return protocol.empty() ? match : match + " && " + protocol;
}

class Policies {
  public:
    Policies(const Snapshot& snapshot, Rows& out) : snapshot_(snapshot), out_(out) {}

    void add(const std::string& key, const std::string& chain, std::int64_t priority,
             const std::string& match, const std::string& action, const std::string& jump = "") {
        Row row{"Logical_Router_Policy",
                snapshot_.vpc.id.str() + "/acl/" + key,
                {{"priority", priority}, {"match", match}, {"action", action}},
                snapshot_.vpc.id.str(),
                "policies"};
        row.columns["chain"] = chain.empty() ? set_of({}) : Json(chain);
        row.columns["jump_chain"] = jump.empty() ? set_of({}) : Json(jump);
        out_.push_back(std::move(row));
    }

  private:
    const Snapshot& snapshot_;
    Rows& out_;
};

// One direction of one subnet's list. What it allows goes on by `action`.
void list_of(const SubnetState& state, bool is_egress, const std::string& chain, const std::string& action,
             const std::string& jump, Policies& policies) {
    auto scope = is_egress ? "" : "outport == \"" + gateway_port(state.subnet) + "\" && ";
    auto prefix = state.subnet.id.str() + (is_egress ? "/out" : "/in");
    for (const auto& entry : state.acl_entries) {
        if (entry.is_egress != is_egress) continue;
        policies.add(prefix + "/" + std::to_string(entry.rule_number), chain, highest + 1 - entry.rule_number,
                     scope + match_of(entry), entry.allow ? action : "drop", entry.allow ? jump : "");
    }
    policies.add(prefix + "/rest", chain, 1, scope + "ip", "drop");
}

// A list that lets everything through both ways, in each family that the subnet has, needs no policies.
bool lets_all_through(const SubnetState& state) {
    std::set<std::pair<bool, bool>> open;  // direction, family
    for (const auto& entry : state.acl_entries) {
        if (!entry.allow || entry.protocol != "-1" || !entry.cidr.ends_with("/0")) return false;
        open.insert({entry.is_egress, entry.cidr.find(':') != std::string::npos});
    }
    for (bool is_egress : {false, true})
        if (!open.contains({is_egress, false}) ||
            (!state.ipv6_cidrs.empty() && !open.contains({is_egress, true})))
            return false;
    return true;
}

}  // namespace

void render_acls(const Snapshot& snapshot, Rows& out) {
    Policies policies(snapshot, out);
    bool any = false;
    for (const auto& state : snapshot.subnets) {
        if (lets_all_through(state)) continue;
        any = true;
        auto chain = "out_" + std::string(digits_of(state.subnet.id.str()));
        policies.add(state.subnet.id.str() + "/out", "", 1000,
                     "inport == \"" + gateway_port(state.subnet) + "\"", "jump", chain);
        list_of(state, true, chain, "jump", "in", policies);
        policies.add(state.subnet.id.str() + "/in", "", 900,
                     "outport == \"" + gateway_port(state.subnet) + "\"", "jump", "in");
        list_of(state, false, "in", "allow", "", policies);
    }
    if (any) policies.add("through", "in", 0, "1", "allow");  // what goes to a subnet without a list
}

}  // namespace lodge::network
