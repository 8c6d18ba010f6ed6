#include "scheduler/network/render.h"

#include <algorithm>

#include "scheduler/network/render_parts.h"

namespace lodge::network {

std::string_view digits_of(std::string_view id) {
    auto dash = id.rfind('-');
    return dash == std::string_view::npos ? id : id.substr(dash + 1);
}

std::string port_group_name(std::string_view group_id) {
    return "sg_" + std::string(digits_of(group_id));
}

std::string gateway_port(const Subnet& subnet) {
    return subnet.id.str() + "/gateway";
}

std::string public_port(const Vpc& vpc) {
    return vpc.id.str() + "/public";
}

std::string peering_port(const VpcPeering& peering, bool of_requester) {
    return peering.id.str() + (of_requester ? "/requester" : "/accepter");
}

IpAddress router_address(const Cidr& subnet) {
    return subnet.network().plus(1);
}

bool is_public(const Snapshot& snapshot, const SubnetState& subnet) {
    return std::any_of(snapshot.routes.begin(), snapshot.routes.end(), [&](const RouteState& route) {
        return route.route_table_id == subnet.route_table_id && route.active &&
               route.target == RouteTarget::internet_gateway && !is_ipv6_text(route.destination);
    });
}

bool leads_ipv6_outside(const RouteState& route) {
    return route.active && is_ipv6_text(route.destination) &&
           (route.target == RouteTarget::internet_gateway ||
            route.target == RouteTarget::egress_only_gateway);
}

bool is_public_ipv6(const Snapshot& snapshot, const SubnetState& subnet) {
    return std::any_of(snapshot.routes.begin(), snapshot.routes.end(), [&](const RouteState& route) {
        return route.route_table_id == subnet.route_table_id && leads_ipv6_outside(route);
    });
}

bool has_ipv4_outside(const Snapshot& snapshot) {
    return snapshot.gateway && !snapshot.router_ip.empty();
}

bool has_ipv6_outside(const Snapshot& snapshot, const Cloud& cloud) {
    return cloud.ipv6_pool && std::any_of(snapshot.routes.begin(), snapshot.routes.end(), leads_ipv6_outside);
}

bool has_public_port(const Snapshot& snapshot, const Cloud& cloud) {
    return has_ipv4_outside(snapshot) || has_ipv6_outside(snapshot, cloud);
}

Rows render_cloud(const Cloud& cloud) {
    Rows out;
    out.push_back({"Logical_Switch", std::string(public_switch), {{"name", public_switch}}, "", ""});
    out.push_back({"Logical_Switch_Port",
                   std::string(public_switch) + "/localnet",
                   {{"name", std::string(public_switch) + "/localnet"},
                    {"type", "localnet"},
                    {"addresses", "unknown"},
                    {"options", map_of({{"network_name", std::string(public_switch)}})}},
                   std::string(public_switch),
                   "ports"});
    out.push_back({"HA_Chassis_Group", std::string(gateway_group), {{"name", gateway_group}}, "", ""});
    auto priority = static_cast<std::int64_t>(cloud.gateway_hosts.size());
    for (const auto& host : cloud.gateway_hosts)
        out.push_back({"HA_Chassis",
                       std::string(gateway_group) + "/" + host,
                       {{"chassis_name", host}, {"priority", priority--}},
                       std::string(gateway_group),
                       "ha_chassis"});
    return out;
}

Rows render(const Snapshot& snapshot, const Cloud& cloud) {
    Rows out;
    render_router(snapshot, cloud, out);
    render_nat(snapshot, cloud, out);
    render_ipv6(snapshot, cloud, out);
    render_acls(snapshot, cloud, out);
    render_subnets(snapshot, cloud, out);
    render_groups(snapshot, out);
    return out;
}

}  // namespace lodge::network
