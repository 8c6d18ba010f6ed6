// IPv6 to and from the outside, by interfaces' own addresses: the public network finds each as it finds an
// Elastic IP, and an egress-only gateway is a rule before those of the security groups.
#include <algorithm>
#include <set>

#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

// Above the groups' rules.
constexpr std::int64_t egress_only_priority = 1003;

// Blocks that together are the given ones but for what is in `hole`.
std::vector<Cidr> without(const std::vector<Cidr>& blocks, const Cidr& hole) {
    std::vector<Cidr> left;
    for (auto block : blocks) {
        if (hole.contains(block)) continue;
        while (block.contains(hole)) {
            auto first = *Cidr::around(block.network(), block.prefix() + 1);
            auto second = *Cidr::around(block.last(), block.prefix() + 1);
            left.push_back(first.contains(hole) ? second : first);
            block = first.contains(hole) ? first : second;
            if (block.prefix() == hole.prefix()) break;
        }
        if (!hole.contains(block)) left.push_back(block);
    }
    return left;
}

class Ipv6 {
  public:
    Ipv6(const Snapshot& snapshot, Rows& out) : snapshot_(snapshot), id_(snapshot.vpc.id.str()), out_(out) {}

    void addresses() {
        for (const auto& state : snapshot_.subnets)
            if (is_public_ipv6(snapshot_, state))
                for (const auto& interface : snapshot_.interfaces)
                    if (interface.interface.subnet_id == state.subnet.id) publish(interface);
        auto name = let_out_ipv6_name(snapshot_.vpc);
        out_.push_back(
            {"Address_Set",
             id_ + "/out6",
             {{"name", name}, {"addresses", set_of(std::vector<Json>(known_.begin(), known_.end()))}},
             "",
             ""});
    }

    // What comes from where a subnet sends by an egress-only gateway, or does not send at all, comes as an
    // answer or not at all. OVN lets answers through before it looks at such rules.
    void egress_only() {
        std::set<std::string> tables;
        for (const auto& route : snapshot_.routes)
            if (is_egress_only(route)) tables.insert(route.route_table_id);
        for (const auto& table : tables) answers_alone(table);
    }

  private:
    // Translated to itself and untracked: OVN answers for the address where its guest is, and nowhere else.
    void publish(const InterfaceState& state) {
        if (state.interface.interface_type != "interface") return;
        for (const auto& each : state.addresses) {
            if (!each.is_ipv6) continue;
            auto key = state.interface.id.str() + "/" + each.address;
            known_.insert(each.address);
            out_.push_back({"NAT",
                            key,
                            {{"type", "dnat_and_snat"},
                             {"external_ip", each.address},
                             {"logical_ip", each.address},
                             {"external_mac", mac_of(key)},
                             {"logical_port", state.interface.port_uuid},
                             {"options", map_of({{"stateless", "true"}})}},
                            id_,
                            "nat"});
        }
    }

    std::vector<Json> ports_of(const std::string& table) const {
        std::vector<Json> ports;
        for (const auto& state : snapshot_.subnets)
            for (const auto& each : snapshot_.interfaces)
                if (state.route_table_id == table && each.interface.subnet_id == state.subnet.id &&
                    each.interface.interface_type == "interface")
                    ports.push_back(reference(each.interface.id.str()));
        return ports;
    }

    // Everything but the VPC, the link itself, and what other routes of the table reach.
    std::vector<Cidr> strangers(const std::string& table) const {
        std::vector<const RouteState*> routes;
        for (const auto& route : snapshot_.routes)
            if (route.route_table_id == table && is_ipv6_text(route.destination)) routes.push_back(&route);
        auto prefix = [](const RouteState* route) { return Cidr::parse(route->destination)->prefix(); };
        std::stable_sort(routes.begin(), routes.end(),
                         [&](const auto* a, const auto* b) { return prefix(a) < prefix(b); });
        std::vector<Cidr> blocks = {*Cidr::parse("::/0")};
        for (const auto* route : routes) {
            auto destination = *Cidr::parse(route->destination);
            blocks = without(blocks, destination);
            if (!lets_begin(*route)) blocks.push_back(destination);
        }
        blocks = without(blocks, *Cidr::parse("fe80::/10"));
        for (const auto& cidr : snapshot_.cidrs)
            if (cidr.is_ipv6) blocks = without(blocks, *Cidr::parse(cidr.cidr));
        return blocks;
    }

    void answers_alone(const std::string& table) {
        auto key = table + "/egress-only";
        auto name = "eo_" + std::string(digits_of(table));
        out_.push_back({"Port_Group", key, {{"name", name}, {"ports", set_of(ports_of(table))}}, "", ""});
        // As blocks, for OVN makes of each "!=" as many flows as its prefix is long, and of two their
        // product.
        std::vector<Json> blocks;
        for (const auto& block : strangers(table)) blocks.emplace_back(block.str());
        out_.push_back({"Address_Set",
                        key + "/strangers",
                        {{"name", name + "_strangers"}, {"addresses", set_of(blocks)}},
                        "",
                        ""});
        out_.push_back({"ACL",
                        key + "/drop-in",
                        {{"direction", "to-lport"},
                         {"priority", egress_only_priority},
                         {"match", "outport == @" + name + " && ip6.src == $" + name + "_strangers"},
                         {"action", "drop"}},
                        key,
                        "acls"});
    }

    const Snapshot& snapshot_;
    const std::string id_;
    Rows& out_;
    std::set<std::string> known_;
};

}  // namespace

bool is_egress_only(const RouteState& route) {
    return leads_ipv6_outside(route) && route.target == RouteTarget::egress_only_gateway;
}

bool lets_begin(const RouteState& route) {
    return route.active &&
           (route.target == RouteTarget::internet_gateway || route.target == RouteTarget::network_interface);
}

std::string let_out_ipv6_name(const Vpc& vpc) {
    return "out6_" + std::string(digits_of(vpc.id.str()));
}

void render_ipv6(const Snapshot& snapshot, const Cloud& cloud, Rows& out) {
    if (!has_ipv6_outside(snapshot, cloud)) return;
    Ipv6 ipv6(snapshot, out);
    ipv6.addresses();
    ipv6.egress_only();
}

}  // namespace lodge::network
