// IPv6 to and from the outside, by interfaces' own addresses: the public network finds each as it finds an
// Elastic IP, and an egress-only gateway is a rule before those of the security groups.
#include <algorithm>
#include <set>

#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

// Above the groups' rules.
constexpr std::int64_t egress_only_priority = 1003;

class Ipv6 {
  public:
    Ipv6(const Snapshot& snapshot, Rows& out) : snapshot_(snapshot), id_(snapshot.vpc.id.str()), out_(out) {}

    void addresses() {
        for (const auto& state : snapshot_.subnets)
            if (is_public_ipv6(snapshot_, state))
                for (const auto& interface : snapshot_.interfaces)
                    if (interface.interface.subnet_id == state.subnet.id) publish(interface);
        auto name = "out6_" + std::string(digits_of(id_));
        out_.push_back(
            {"Address_Set",
             id_ + "/out6",
             {{"name", name}, {"addresses", set_of(std::vector<Json>(known_.begin(), known_.end()))}},
             "",
             ""});
        drop("no-way-out6", "outport", "ip6.src != $" + name);
        drop("no-way-in6", "inport", "ip6.dst != $" + name);
    }

    // What comes from where a subnet sends by an egress-only gateway, or does not send at all, comes as an
    // answer or not at all. OVN lets answers through before it looks at such rules.
    void egress_only() {
        std::set<std::string> tables;
        for (const auto& route : snapshot_.routes)
            if (leads_ipv6_outside(route) && route.target == RouteTarget::egress_only_gateway)
                tables.insert(route.route_table_id);
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

    void drop(const std::string& key, const std::string& port, const std::string& which) {
        auto match = port + " == \"" + public_port(snapshot_.vpc) + "\" && ip6 && " + which;
        out_.push_back({"Logical_Router_Policy",
                        id_ + "/" + key,
                        {{"priority", 2000}, {"match", match}, {"action", "drop"}},
                        id_,
                        "policies"});
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
    std::string strangers(const std::string& table) const {
        std::string match = "ip6 && ip6.src != fe80::/10";
        for (const auto& cidr : snapshot_.cidrs)
            if (cidr.is_ipv6) match += " && ip6.src != " + cidr.cidr;
        for (const auto& route : snapshot_.routes) {
            bool is_other = route.target == RouteTarget::internet_gateway ||
                            route.target == RouteTarget::network_interface;
            if (route.route_table_id != table || !route.active || !is_other ||
                !is_ipv6_text(route.destination))
                continue;
            auto reach = reach_of(snapshot_, route, "ip6.src", [](const RouteState&) { return true; });
            match += " && " + (reach.empty() ? "0" : "!(" + reach + ")");
        }
        return match;
    }

    void answers_alone(const std::string& table) {
        auto key = table + "/egress-only";
        auto name = "eo_" + std::string(digits_of(table));
        out_.push_back({"Port_Group", key, {{"name", name}, {"ports", set_of(ports_of(table))}}, "", ""});
        out_.push_back({"ACL",
                        key + "/drop-in",
                        {{"direction", "to-lport"},
                         {"priority", egress_only_priority},
                         {"match", "outport == @" + name + " && " + strangers(table)},
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

void render_ipv6(const Snapshot& snapshot, const Cloud& cloud, Rows& out) {
    if (!cloud.ipv6_pool || std::none_of(snapshot.routes.begin(), snapshot.routes.end(), leads_ipv6_outside))
        return;
    Ipv6 ipv6(snapshot, out);
    ipv6.addresses();
    ipv6.egress_only();
}

}  // namespace lodge::network
