// A subnet's switch: the router's port and the metadata service's, DHCP, names, and a port for each
// interface.
#include <algorithm>

#include "scheduler/network/make.h"
#include "scheduler/network/render_parts.h"

namespace lodge::network {
namespace {

constexpr std::string_view lease_seconds = "3600";

std::string joined(const std::vector<std::string>& items, std::string_view between) {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : std::string(between)) + item;
    return out;
}

// The resolver's address inside the VPC: the network's plus two.
std::string resolver(const Snapshot& snapshot) {
    auto cidr = Cidr::parse(snapshot.vpc.cidr);
    return cidr ? cidr->network().plus(2).str() : std::string(dns_address);
}

const std::vector<std::string>& option(const Snapshot& snapshot, const std::string& key) {
    static const std::vector<std::string> none;
    auto found = snapshot.dhcp.find(key);
    return found == snapshot.dhcp.end() ? none : found->second;
}

// "AmazonProvidedDNS" is the VPC's own resolver, if it has one.
std::vector<std::string> name_servers(const Snapshot& snapshot, bool is_ipv6) {
    std::vector<std::string> out;
    for (const auto& server : option(snapshot, "domain-name-servers")) {
        if (server == "AmazonProvidedDNS") {
            if (!is_ipv6 && snapshot.vpc.dns_support) out.push_back(resolver(snapshot));
        } else if (is_ipv6_text(server) == is_ipv6) {
            out.push_back(server);
        }
    }
    return out;
}

std::string braced(const std::vector<std::string>& items) {
    return "{" + joined(items, ", ") + "}";
}

// What is reached without the router, and the default route: a client that is told any route this way ignores
// the router option (RFC 3442).
std::string classless_routes(const Snapshot& snapshot, const Cidr& subnet) {
    std::vector<std::string> routes = {std::string(imds_address) + "/32,0.0.0.0",
                                       std::string(dns_address) + "/32,0.0.0.0"};
    auto own = IpAddress::parse(resolver(snapshot));
    if (own && !subnet.contains(*own)) routes.push_back(own->str() + "/32,0.0.0.0");
    routes.push_back("0.0.0.0/0," + router_address(subnet).str());
    return braced(routes);
}

void dhcp(const Snapshot& snapshot, const SubnetState& state, const Cloud& cloud, Rows& out) {
    auto cidr = Cidr::parse(state.subnet.cidr);
    if (!cidr) return;
    std::map<std::string, std::string> options = {
        {"lease_time", std::string(lease_seconds)},
        {"router", router_address(*cidr).str()},
        {"server_id", router_address(*cidr).str()},
        {"server_mac", mac_of(gateway_port(state.subnet))},
        {"mtu", std::to_string(cloud.guest_mtu)},
        {"classless_static_route", classless_routes(snapshot, *cidr)},
    };
    auto servers = name_servers(snapshot, false);
    if (!servers.empty()) options["dns_server"] = braced(servers);
    if (const auto& names = option(snapshot, "domain-name"); !names.empty())
        options["domain_name"] = "\"" + names.front() + "\"";
    if (const auto& ntp = option(snapshot, "ntp-servers"); !ntp.empty()) options["ntp_server"] = braced(ntp);
    if (const auto& netbios = option(snapshot, "netbios-name-servers"); !netbios.empty())
        options["netbios_name_server"] = braced(netbios);
    if (const auto& type = option(snapshot, "netbios-node-type"); !type.empty())
        options["netbios_node_type"] = type.front();
    out.push_back({"DHCP_Options",
                   state.subnet.id.str() + "/dhcp",
                   {{"cidr", state.subnet.cidr}, {"options", map_of(options)}},
                   "",
                   ""});
    for (const auto& ipv6 : state.ipv6_cidrs) {
        std::map<std::string, std::string> options6 = {{"server_id", mac_of(gateway_port(state.subnet))}};
        auto servers6 = name_servers(snapshot, true);
        if (!servers6.empty()) options6["dns_server"] = braced(servers6);
        out.push_back({"DHCP_Options",
                       state.subnet.id.str() + "/dhcp6",
                       {{"cidr", ipv6.cidr}, {"options", map_of(options6)}},
                       "",
                       ""});
    }
}

void fixed_ports(const Snapshot& snapshot, const SubnetState& state, Rows& out) {
    const auto& id = state.subnet.id.str();
    out.push_back({"Logical_Switch_Port",
                   id + "/router",
                   {{"name", id + "/router"},
                    {"type", "router"},
                    {"addresses", "router"},
                    {"options", map_of({{"router-port", gateway_port(state.subnet)}})}},
                   id,
                   "ports"});
    auto addresses = imds_port_mac(id) + " " + std::string(imds_address) + " " + std::string(dns_address) +
                     " " + resolver(snapshot);
    out.push_back({"Logical_Switch_Port",
                   id + "/imds",
                   {{"name", imds_port_name(id)}, {"type", "localport"}, {"addresses", addresses}},
                   id,
                   "ports"});
}

// "ip-10-0-0-5.ec2.internal", as EC2 names addresses.
std::string host_name(const Snapshot& snapshot, std::string address) {
    std::replace(address.begin(), address.end(), '.', '-');
    return "ip-" + address + "." + private_domain(snapshot.vpc.region);
}

std::string reverse_name(const IpAddress& address) {
    auto bits = static_cast<std::uint32_t>(address.bits());
    return std::to_string(bits & 255) + "." + std::to_string((bits >> 8) & 255) + "." +
           std::to_string((bits >> 16) & 255) + "." + std::to_string(bits >> 24) + ".in-addr.arpa";
}

const Subnet* subnet_of(const Snapshot& snapshot, const SubnetId& id) {
    for (const auto& state : snapshot.subnets)
        if (state.subnet.id == id) return &state.subnet;
    return nullptr;
}

// All names of the VPC, for each of its switches.
void names(const Snapshot& snapshot, Rows& out) {
    std::map<std::string, std::string> records;
    for (const auto& state : snapshot.interfaces) {
        for (const auto& each : state.addresses) {
            auto address = IpAddress::parse(each.address);
            if (!address || address->is_ipv6()) continue;
            records[host_name(snapshot, each.address)] = each.address;
            records[reverse_name(*address)] = host_name(snapshot, each.address);
        }
        const auto* subnet = subnet_of(snapshot, state.interface.subnet_id);
        if (!subnet || state.interface.instance_id.empty() || state.interface.device_index != 0) continue;
        std::vector<std::string> own;
        for (const auto& each : state.addresses) {
            bool wanted = each.is_ipv6 ? subnet->resource_name_dns_aaaa : subnet->resource_name_dns_a;
            if (wanted && each.position == 0) own.push_back(each.address);
        }
        if (!own.empty())
            records[state.interface.instance_id + "." + private_domain(snapshot.vpc.region)] =
                joined(own, " ");
    }
    out.push_back({"DNS", snapshot.vpc.id.str() + "/names", {{"records", map_of(records)}}, "", ""});
}

void interface_port(const SubnetState& state, const InterfaceState& each, Rows& out) {
    const auto& interface = each.interface;
    auto addresses = interface.mac;
    bool has_ipv6 = false;
    for (const auto& address : each.addresses) {
        addresses += " " + address.address;
        has_ipv6 = has_ipv6 || address.is_ipv6;
    }
    const auto& subnet_id = state.subnet.id.str();
    // Without the check a guest may forward for others; its MAC stays its own.
    out.push_back({"Logical_Switch_Port",
                   interface.id.str(),
                   {{"name", interface.port_uuid},
                    {"type", ""},
                    {"addresses", addresses},
                    {"port_security", interface.source_dest_check ? addresses : interface.mac},
                    {"dhcpv4_options", reference(subnet_id + "/dhcp")},
                    {"dhcpv6_options", has_ipv6 ? reference(subnet_id + "/dhcp6") : set_of({})}},
                   subnet_id,
                   "ports"});
}

}  // namespace

void render_subnets(const Snapshot& snapshot, const Cloud& cloud, Rows& out) {
    names(snapshot, out);
    for (const auto& state : snapshot.subnets) {
        const auto& id = state.subnet.id.str();
        Row row{"Logical_Switch", id, {{"name", id}}, "", ""};
        row.columns["dns_records"] =
            snapshot.vpc.dns_support ? reference(snapshot.vpc.id.str() + "/names") : set_of({});
        out.push_back(std::move(row));
        dhcp(snapshot, state, cloud, out);
        fixed_ports(snapshot, state, out);
        for (const auto& interface : snapshot.interfaces)
            if (interface.interface.subnet_id == state.subnet.id &&
                interface.interface.interface_type == "interface")
                interface_port(state, interface, out);
    }
}

}  // namespace lodge::network
