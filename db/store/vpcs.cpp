#include "db/store/vpcs.h"

#include "db/store/records.h"

namespace lodge::db::vpcs {
namespace {

const Records<Vpc>& vpcs() {
    static const Records<Vpc> records(
        "vpcs", {field("id", &Vpc::id), field("account_id", &Vpc::account_id), field("region", &Vpc::region),
                 field("cidr", &Vpc::cidr), field("dhcp_options_id", &Vpc::dhcp_options_id),
                 field("is_default", &Vpc::is_default), field("dns_support", &Vpc::dns_support),
                 field("dns_hostnames", &Vpc::dns_hostnames),
                 field("network_address_usage_metrics", &Vpc::network_address_usage_metrics),
                 field("instance_tenancy", &Vpc::instance_tenancy), field("revision", &Vpc::revision),
                 field("created_ms", &Vpc::created_ms)});
    return records;
}

const Records<VpcCidr>& cidrs() {
    static const Records<VpcCidr> records(
        "vpc_cidrs", {field("id", &VpcCidr::id), field("vpc_id", &VpcCidr::vpc_id),
                      field("cidr", &VpcCidr::cidr), field("is_ipv6", &VpcCidr::is_ipv6),
                      field("is_primary", &VpcCidr::is_primary), field("created_ms", &VpcCidr::created_ms)});
    return records;
}

}  // namespace

void insert(Session& session, const Vpc& record) {
    vpcs().insert(session, record);
    session.announce(record.id.str());
}

void update(Session& session, const Vpc& record) {
    vpcs().update(session, record);
}

void erase(Session& session, const VpcId& id) {
    vpcs().erase_id(session, id.str());
    session.announce(id.str());
}

std::optional<Vpc> find(Session& session, const AccountId& account_id, std::string_view region,
                        std::string_view id) {
    return vpcs().find(session, account_id, region, id);
}

std::optional<Vpc> find_any(Session& session, std::string_view id) {
    return vpcs().find_any(session, id);
}

std::vector<Vpc> list(Session& session, const AccountId& account_id, std::string_view region,
                      std::string_view after, std::int64_t limit) {
    return vpcs().list(session, account_id, region, after, limit);
}

std::optional<Vpc> find_default(Session& session, const AccountId& account_id, std::string_view region) {
    return vpcs().one(session, "account_id = ? AND region = ? AND is_default = 1", {account_id, region});
}

std::vector<Vpc> of_dhcp_options(Session& session, std::string_view dhcp_options_id) {
    return vpcs().all(session, "dhcp_options_id = ? ORDER BY id", {dhcp_options_id});
}

std::vector<Vpc> list_all(Session& session) {
    return vpcs().all(session, "1 = 1 ORDER BY id", {});
}

std::int64_t touch(Session& session, const VpcId& id) {
    session.execute("UPDATE vpcs SET revision = revision + 1 WHERE id = ?", {id.str()});
    std::int64_t revision = 0;
    session.query("SELECT revision FROM vpcs WHERE id = ?", {id.str()},
                  [&](const Row& row) { revision = row.integer(0); });
    session.announce(id.str());
    return revision;
}

void insert_cidr(Session& session, const VpcCidr& record) {
    cidrs().insert(session, record);
}

void erase_cidr(Session& session, const VpcCidrId& id) {
    cidrs().erase(session, "id = ?", {id.str()});
}

void erase_cidrs(Session& session, const VpcId& vpc_id) {
    cidrs().erase(session, "vpc_id = ?", {vpc_id.str()});
}

std::vector<VpcCidr> cidrs_of(Session& session, const VpcId& vpc_id) {
    return cidrs().all(session, "vpc_id = ? ORDER BY is_primary DESC, is_ipv6, created_ms, id",
                       {vpc_id.str()});
}

std::optional<VpcCidr> find_cidr(Session& session, std::string_view id) {
    return cidrs().one(session, "id = ?", {id});
}

std::vector<VpcCidr> ipv6_cidrs(Session& session) {
    return cidrs().all(session, "is_ipv6 = 1 ORDER BY cidr", {});
}

std::optional<DhcpOptionsId> default_dhcp_options(Session& session, const AccountId& account_id,
                                                  std::string_view region) {
    std::optional<DhcpOptionsId> found;
    session.query("SELECT dhcp_options_id FROM default_networks WHERE account_id = ? AND region = ?",
                  {account_id, region},
                  [&](const Row& row) { found = DhcpOptionsId::trusted(std::string(row.text(0))); });
    return found;
}

void set_default_dhcp_options(Session& session, const AccountId& account_id, std::string_view region,
                              const DhcpOptionsId& id, UnixMs now_ms) {
    session.execute(
        "INSERT INTO default_networks (account_id, region, dhcp_options_id, created_ms) VALUES (?, ?, ?, ?)",
        {account_id, region, id.str(), now_ms});
}

}  // namespace lodge::db::vpcs
