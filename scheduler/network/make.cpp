#include "scheduler/network/make.h"

#include <map>

#include "db/store/addresses.h"
#include "db/store/dhcp_options.h"
#include "db/store/internet_gateways.h"
#include "db/store/network_acls.h"
#include "db/store/network_interfaces.h"
#include "db/store/route_tables.h"
#include "db/store/security_groups.h"
#include "db/store/subnets.h"
#include "db/store/tags.h"
#include "db/store/vpcs.h"
#include "scheduler/network/addresses.h"

namespace lodge::network {
namespace {

constexpr std::string_view anywhere = "0.0.0.0/0";
constexpr int default_subnet_prefix = 20;
constexpr std::int64_t default_rule_number = 100;

SecurityGroupRule rule_of(const SecurityGroup& group, const Owner& owner, bool is_egress) {
    SecurityGroupRule rule;
    rule.id = SecurityGroupRuleId::make(owner.random);
    rule.account_id = group.account_id;
    rule.region = group.region;
    rule.group_id = group.id;
    rule.is_egress = is_egress;
    rule.protocol = "-1";
    return rule;
}

bool has_ipv6(db::Session& session, const VpcId& vpc_id) {
    for (const auto& cidr : db::vpcs::cidrs_of(session, vpc_id))
        if (cidr.is_ipv6) return true;
    return false;
}

// Members of the default group may talk to each other.
void make_default_group(db::Session& session, const Owner& owner, const VpcId& vpc_id) {
    auto group = make_group(session, owner, vpc_id, "default", "default VPC security group");
    auto among_members = rule_of(group, owner, false);
    among_members.referenced_group_id = group.id.str();
    among_members.referenced_account_id = group.account_id;
    db::security_groups::insert_rule(session, among_members);
}

void make_default_acl(db::Session& session, const Owner& owner, const VpcId& vpc_id) {
    NetworkAcl acl{
        NetworkAclId::make(owner.random), owner.account_id, owner.region, vpc_id, true, owner.now_ms};
    db::network_acls::insert(session, acl);
    for (bool is_egress : {false, true}) {
        NetworkAclEntry entry;
        entry.network_acl_id = acl.id;
        entry.is_egress = is_egress;
        entry.rule_number = default_rule_number;
        entry.protocol = "-1";
        entry.allow = true;
        entry.cidr = anywhere;
        db::network_acls::insert_entry(session, entry);
    }
}

RouteTableId make_main_table(db::Session& session, const Owner& owner, const VpcId& vpc_id) {
    RouteTable table{RouteTableId::make(owner.random), owner.account_id, owner.region, vpc_id, owner.now_ms};
    db::route_tables::insert(session, table);
    db::route_tables::insert_association(session,
                                         {RouteTableAssociationId::make(owner.random), table.id, vpc_id, ""});
    return table.id;
}

DhcpOptionsId make_default_dhcp_options(db::Session& session, const Owner& owner) {
    DhcpOptions options{DhcpOptionsId::make(owner.random), owner.account_id, owner.region, owner.now_ms};
    db::dhcp_options::insert(session, options);
    db::dhcp_options::insert_value(session, {options.id, "domain-name", 0, private_domain(owner.region)});
    db::dhcp_options::insert_value(session, {options.id, "domain-name-servers", 0, "AmazonProvidedDNS"});
    db::vpcs::set_default_dhcp_options(session, owner.account_id, owner.region, options.id, owner.now_ms);
    return options.id;
}

// Empty when the account has deleted its default set: then VPCs begin with "default", which offers nothing.
std::string dhcp_options_of(db::Session& session, const Owner& owner) {
    auto made = db::vpcs::default_dhcp_options(session, owner.account_id, owner.region);
    if (!made) return make_default_dhcp_options(session, owner).str();
    return db::dhcp_options::find_any(session, made->str()) ? made->str() : "";
}

// From a random address on, the first that is free; `first` and `count` bound the search.
std::optional<IpAddress> search(db::Session& session, const SubnetId& subnet_id, const IpAddress& first,
                                std::uint64_t count, Random& random, const std::set<IpAddress>& spared) {
    if (count == 0) return std::nullopt;
    auto start = random.next_u64() % count;
    for (std::uint64_t i = 0; i < count; ++i) {
        auto address = first.plus((start + i) % count);
        if (!spared.contains(address) &&
            !db::network_interfaces::address_taken(session, subnet_id, address.str()))
            return address;
    }
    return std::nullopt;
}

// Locally administered: "02:" and 40 random bits.
std::string random_mac(Random& random) {
    auto digits = random.hex(10);
    std::string mac = "02";
    for (std::size_t at = 0; at < digits.size(); at += 2) mac += ":" + digits.substr(at, 2);
    return mac;
}

}  // namespace

SecurityGroup make_group(db::Session& session, const Owner& owner, const VpcId& vpc_id,
                         const std::string& name, const std::string& description) {
    SecurityGroup group{SecurityGroupId::make(owner.random),
                        owner.account_id,
                        owner.region,
                        vpc_id,
                        name,
                        description,
                        owner.now_ms};
    db::security_groups::insert(session, group);
    auto out = rule_of(group, owner, true);
    out.cidr = anywhere;
    db::security_groups::insert_rule(session, out);
    if (has_ipv6(session, vpc_id)) {
        auto out6 = rule_of(group, owner, true);
        out6.cidr = "::/0";
        db::security_groups::insert_rule(session, out6);
    }
    return group;
}

Vpc make_vpc(db::Session& session, const Owner& owner, const Cidr& cidr, bool is_default) {
    Vpc vpc;
    vpc.id = VpcId::make(owner.random);
    vpc.account_id = owner.account_id;
    vpc.region = owner.region;
    vpc.cidr = cidr.str();
    vpc.dhcp_options_id = dhcp_options_of(session, owner);
    vpc.is_default = vpc.dns_hostnames = is_default;
    vpc.created_ms = owner.now_ms;
    db::vpcs::insert(session, vpc);
    db::vpcs::insert_cidr(session,
                          {VpcCidrId::make(owner.random), vpc.id, vpc.cidr, false, true, owner.now_ms});
    make_default_group(session, owner, vpc.id);
    make_main_table(session, owner, vpc.id);
    make_default_acl(session, owner, vpc.id);
    return vpc;
}

Subnet make_subnet(db::Session& session, const Owner& owner, const VpcId& vpc_id, const std::string& zone,
                   const Cidr& cidr, bool is_default) {
    Subnet subnet;
    subnet.id = SubnetId::make(owner.random);
    subnet.account_id = owner.account_id;
    subnet.region = owner.region;
    subnet.zone = zone;
    subnet.vpc_id = vpc_id;
    subnet.cidr = cidr.str();
    subnet.default_for_az = subnet.map_public_ip_on_launch = is_default;
    subnet.created_ms = owner.now_ms;
    db::subnets::insert(session, subnet);
    for (const auto& acl : db::network_acls::of_vpc(session, vpc_id))
        if (acl.is_default)
            db::network_acls::insert_association(
                session, {NetworkAclAssociationId::make(owner.random), acl.id, subnet.id});
    return subnet;
}

Vpc make_default_vpc(db::Session& session, const Owner& owner, const std::vector<Zone>& zones) {
    auto vpc = make_vpc(session, owner, *Cidr::parse("172.31.0.0/16"), true);
    for (const auto& zone : zones)
        if (auto cidr = free_default_subnet(session, vpc))
            make_subnet(session, owner, vpc.id, zone.name, *cidr, true);
    InternetGateway gateway{InternetGatewayId::make(owner.random), owner.account_id, owner.region,
                            vpc.id.str(), owner.now_ms};
    db::internet_gateways::insert(session, gateway);
    auto main = db::route_tables::association_of(session, vpc.id, "");
    if (main)
        db::route_tables::insert_route(session, {main->route_table_id, std::string(anywhere),
                                                 RouteTarget::internet_gateway, gateway.id.str(), ""});
    return vpc;
}

std::optional<Cidr> free_default_subnet(db::Session& session, const Vpc& vpc) {
    auto whole = Cidr::parse(vpc.cidr);
    if (!whole) return std::nullopt;
    auto taken = db::subnets::of_vpc(session, vpc.id);
    auto is_free = [&](const Cidr& wanted) {
        for (const auto& subnet : taken)
            if (auto other = Cidr::parse(subnet.cidr); other && other->overlaps(wanted)) return false;
        return true;
    };
    auto candidate = Cidr::around(whole->network(), default_subnet_prefix);
    while (candidate && whole->contains(*candidate)) {
        if (is_free(*candidate)) return candidate;
        candidate = Cidr::around(candidate->network().plus(candidate->size()), default_subnet_prefix);
    }
    return std::nullopt;
}

void make_default_networks(db::Session& session, const AccountId& account_id, const std::vector<Zone>& zones,
                           UnixMs now_ms, Random& random) {
    std::map<std::string, std::vector<Zone>> by_region;
    for (const auto& zone : zones) by_region[zone.region].push_back(zone);
    for (const auto& [region, of_region] : by_region)
        if (!db::vpcs::default_dhcp_options(session, account_id, region))
            make_default_vpc(session, {account_id, region, now_ms, random}, of_region);
}

std::string private_domain(std::string_view region) {
    return region == "us-east-1" ? "ec2.internal" : std::string(region) + ".compute.internal";
}

bool is_reserved(const Cidr& subnet, const IpAddress& address) {
    auto offset = address.bits() - subnet.network().bits();
    return offset < 4 || address == subnet.last();
}

std::int64_t usable_addresses(const Cidr& subnet) {
    return static_cast<std::int64_t>(subnet.size()) - 5;
}

std::optional<IpAddress> free_address(db::Session& session, const Subnet& subnet, Random& random,
                                      const std::set<IpAddress>& spared) {
    auto cidr = Cidr::parse(subnet.cidr);
    if (!cidr) return std::nullopt;
    return search(session, subnet.id, cidr->network().plus(4),
                  static_cast<std::uint64_t>(usable_addresses(*cidr)), random, spared);
}

std::optional<IpAddress> free_ipv6_address(db::Session& session, const Subnet& subnet, const Cidr& cidr,
                                           Random& random, const std::set<IpAddress>& spared) {
    // Of a /64 the first 2^62 behind the reserved ones are plenty to choose among.
    return search(session, subnet.id, cidr.network().plus(4), std::uint64_t{1} << 62, random, spared);
}

std::optional<NetworkInterface> make_interface(db::Session& session, const Owner& owner, const Subnet& subnet,
                                               const InterfaceWish& wish) {
    auto address = wish.address ? wish.address : free_address(session, subnet, owner.random);
    auto cidr = Cidr::parse(subnet.cidr);
    if (!address || !cidr || !cidr->contains(*address) || is_reserved(*cidr, *address) ||
        db::network_interfaces::address_taken(session, subnet.id, address->str()))
        return std::nullopt;
    NetworkInterface made;
    made.id = NetworkInterfaceId::make(owner.random);
    made.account_id = owner.account_id;
    made.region = owner.region;
    made.zone = subnet.zone;
    made.vpc_id = subnet.vpc_id;
    made.subnet_id = subnet.id;
    made.port_uuid = owner.random.uuid();
    made.mac = random_mac(owner.random);
    made.interface_type = wish.type;
    made.description = wish.description;
    made.requester_id = wish.requester_id;
    made.source_dest_check = wish.source_dest_check;
    made.created_ms = owner.now_ms;
    db::network_interfaces::insert(session, made);
    db::network_interfaces::insert_address(session, {subnet.id, address->str(), made.id, false, 0});
    return made;
}

void erase_interface(db::Session& session, const NetworkInterface& interface) {
    const auto& id = interface.id;
    for (auto& address : db::addresses::of_interface(session, id)) unmap_address(session, address);
    if (!interface.public_ip.empty()) db::addresses::give_back(session, interface.public_ip);
    db::network_interfaces::set_groups(session, id, {});
    db::network_interfaces::erase_addresses(session, id);
    db::network_interfaces::erase(session, id);
    db::tags::erase_all(session, id.str());
}

}  // namespace lodge::network
