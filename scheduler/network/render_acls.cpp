// Network ACLs: stateless policies of the router, for what crosses a subnet's border. Out of one subnet and
// into another are two lists, so the first's "allow" jumps to the second. Traffic inside a subnet, and with
// DHCP, DNS and metadata, which do not pass the router, is not theirs, as in EC2. What goes by a NAT gateway
// crosses the border of the gateway's subnet twice, each way: into it and out again.
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
    bool is_ipv6 = is_ipv6_text(entry.cidr);
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

// One direction of the list of a NAT gateway's subnet, as a chain of its own: all that comes into it is
// meant.
void chain_of(const SubnetState& home, bool is_egress, const std::string& chain, const std::string& action,
              const std::string& jump, Policies& policies) {
    for (const auto& entry : home.acl_entries)
        if (entry.is_egress == is_egress && !is_ipv6_text(entry.cidr))
            policies.add(home.subnet.id.str() + "/" + chain + "/" + std::to_string(entry.rule_number), chain,
                         highest + 1 - entry.rule_number, match_of(entry), entry.allow ? action : "drop",
                         entry.allow ? jump : "");
    policies.add(home.subnet.id.str() + "/" + chain + "/rest", chain, 1, "ip", "drop");
}

// The list of a NAT gateway's subnet, on the way out and for what comes back.
void chains_of_home(const SubnetState& home, Policies& policies) {
    auto digits = std::string(digits_of(home.subnet.id.str()));
    chain_of(home, false, "nat_in_" + digits, "jump", "nat_out_" + digits, policies);
    chain_of(home, true, "nat_out_" + digits, "allow", "", policies);
    chain_of(home, false, "back_in_" + digits, "jump", "back_out_" + digits, policies);
    chain_of(home, true, "back_out_" + digits, "jump", "in", policies);
}

// A list that lets everything through both ways, in each family that the subnet has, needs no policies.
bool lets_all_through(const SubnetState& state) {
    std::set<std::pair<bool, bool>> open;  // direction, family
    for (const auto& entry : state.acl_entries) {
        if (!entry.allow || entry.protocol != "-1" || !entry.cidr.ends_with("/0")) return false;
        open.insert({entry.is_egress, is_ipv6_text(entry.cidr)});
    }
    for (bool is_egress : {false, true})
        if (!open.contains({is_egress, false}) ||
            (!state.ipv6_cidrs.empty() && !open.contains({is_egress, true})))
            return false;
    return true;
}

// The border to the outside, for who has passed the list of its own subnet. Guests with public addresses of
// their own leave by those, the others by NAT gateways, and nobody else leaves, even where a route table
// shows a way. In these matches an address is one of a set, never none of it: of "!=" OVN makes as many flows
// as the product of the set's bits.
class Border {
  public:
    Border(const Snapshot& snapshot, const Cloud& cloud, Policies& policies)
        : snapshot_(snapshot), cloud_(cloud), policies_(policies) {}

    void render() {
        auto outside = "\"" + public_port(snapshot_.vpc) + "\"";
        policies_.add("enter", "", 952, "inport == " + outside, "jump", "enter");
        policies_.add("exit", "", 950, "outport == " + outside, "jump", "exit");
        policies_.add("exit-in", "in", highest, "outport == " + outside, "jump", "exit");
        if (has_ipv4_outside(snapshot_)) {
            own("4", "ip4", let_out_name(snapshot_.vpc));
            for (const auto& state : snapshot_.subnets) by_nat_gateways(state);
        }
        if (has_ipv6_outside(snapshot_, cloud_)) own("6", "ip6", let_out_ipv6_name(snapshot_.vpc));
        policies_.add("exit/rest", "exit", 1, "ip", "drop");
        policies_.add("enter/rest4", "enter", 2, "ip4", "jump", "in");
        policies_.add("enter/rest", "enter", 1, "ip", "drop");
        for (const auto& state : snapshot_.subnets)
            if (homes_.contains(&state)) chains_of_home(state, policies_);
    }

  private:
    void own(const std::string& key, const std::string& field, const std::string& set) {
        policies_.add("exit/own" + key, "exit", 20, field + ".src == $" + set, "allow");
        policies_.add("enter/own" + key, "enter", 20, field + ".dst == $" + set, "jump", "in");
    }

    // Of subnets whose list lets all through, and of the gateway's own, no second list is asked.
    void by_nat_gateways(const SubnetState& state) {
        auto add = [&](const NatWay& way, const std::string& chain, const std::string& own,
                       const std::string& action, const std::string& jump) {
            policies_.add(chain + "/" + state.subnet.id.str() + "/" + way.destination, chain, 15,
                          own + state.subnet.cidr + (way.reach.empty() ? "" : " && " + way.reach), action,
                          jump);
        };
        auto is_asked = [&](const NatWay& way) { return way.home != &state && !lets_all_through(*way.home); };
        for (const auto& way : nat_ways(snapshot_, state, "ip4.dst")) {
            auto jump = is_asked(way) ? "nat_in_" + std::string(digits_of(way.home->subnet.id.str())) : "";
            if (is_asked(way)) homes_.insert(way.home);
            add(way, "exit", "ip4.src == ", jump.empty() ? "allow" : "jump", jump);
        }
        for (const auto& way : nat_ways(snapshot_, state, "ip4.src"))
            if (is_asked(way))
                add(way, "enter", "ip4.dst == ", "jump",
                    "back_in_" + std::string(digits_of(way.home->subnet.id.str())));
    }

    const Snapshot& snapshot_;
    const Cloud& cloud_;
    Policies& policies_;
    std::set<const SubnetState*> homes_;
};

}  // namespace

void render_acls(const Snapshot& snapshot, const Cloud& cloud, Rows& out) {
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
    if (has_public_port(snapshot, cloud)) {
        any = true;
        Border(snapshot, cloud, policies).render();
    }
    if (any) policies.add("through", "in", 0, "1", "allow");  // what goes to a subnet without a list
}

}  // namespace lodge::network
