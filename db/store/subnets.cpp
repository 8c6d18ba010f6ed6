#include "db/store/subnets.h"

#include "db/store/records.h"

namespace lodge::db::subnets {
namespace {

const Records<Subnet>& subnets() {
    static const Records<Subnet> records(
        "subnets",
        {field("id", &Subnet::id), field("account_id", &Subnet::account_id), field("region", &Subnet::region),
         field("zone", &Subnet::zone), field("vpc_id", &Subnet::vpc_id), field("cidr", &Subnet::cidr),
         field("default_for_az", &Subnet::default_for_az),
         field("map_public_ip_on_launch", &Subnet::map_public_ip_on_launch),
         field("assign_ipv6_address_on_creation", &Subnet::assign_ipv6_address_on_creation),
         field("hostname_type", &Subnet::hostname_type),
         field("resource_name_dns_a", &Subnet::resource_name_dns_a),
         field("resource_name_dns_aaaa", &Subnet::resource_name_dns_aaaa),
         field("created_ms", &Subnet::created_ms)});
    return records;
}

const Records<SubnetIpv6Cidr>& ipv6_cidrs() {
    static const Records<SubnetIpv6Cidr> records(
        "subnet_ipv6_cidrs",
        {field("id", &SubnetIpv6Cidr::id), field("subnet_id", &SubnetIpv6Cidr::subnet_id),
         field("cidr", &SubnetIpv6Cidr::cidr)});
    return records;
}

}  // namespace

void insert(Session& session, const Subnet& record) {
    subnets().insert(session, record);
}

void update(Session& session, const Subnet& record) {
    subnets().update(session, record);
}

void erase(Session& session, const SubnetId& id) {
    subnets().erase_id(session, id.str());
}

std::optional<Subnet> find(Session& session, const AccountId& account_id, std::string_view region,
                           std::string_view id) {
    return subnets().find(session, account_id, region, id);
}

std::optional<Subnet> find_any(Session& session, std::string_view id) {
    return subnets().find_any(session, id);
}

std::vector<Subnet> list(Session& session, const AccountId& account_id, std::string_view region,
                         std::string_view after, std::int64_t limit) {
    return subnets().list(session, account_id, region, after, limit);
}

std::vector<Subnet> of_vpc(Session& session, const VpcId& vpc_id) {
    return subnets().all(session, "vpc_id = ? ORDER BY id", {vpc_id.str()});
}

std::optional<Subnet> find_default(Session& session, const AccountId& account_id, std::string_view zone) {
    return subnets().one(session, "account_id = ? AND zone = ? AND default_for_az = 1", {account_id, zone});
}

void insert_ipv6_cidr(Session& session, const SubnetIpv6Cidr& record) {
    ipv6_cidrs().insert(session, record);
}

void erase_ipv6_cidr(Session& session, const SubnetCidrId& id) {
    ipv6_cidrs().erase(session, "id = ?", {id.str()});
}

void erase_ipv6_cidrs(Session& session, const SubnetId& subnet_id) {
    ipv6_cidrs().erase(session, "subnet_id = ?", {subnet_id.str()});
}

std::vector<SubnetIpv6Cidr> ipv6_cidrs_of(Session& session, const SubnetId& subnet_id) {
    return ipv6_cidrs().all(session, "subnet_id = ? ORDER BY id", {subnet_id.str()});
}

std::optional<SubnetIpv6Cidr> find_ipv6_cidr(Session& session, std::string_view id) {
    return ipv6_cidrs().one(session, "id = ?", {id});
}

}  // namespace lodge::db::subnets
