#include "db/store/network_acls.h"

#include "db/store/records.h"

namespace lodge::db::network_acls {
namespace {

const Records<NetworkAcl>& acls() {
    static const Records<NetworkAcl> records(
        "network_acls",
        {field("id", &NetworkAcl::id), field("account_id", &NetworkAcl::account_id),
         field("region", &NetworkAcl::region), field("vpc_id", &NetworkAcl::vpc_id),
         field("is_default", &NetworkAcl::is_default), field("created_ms", &NetworkAcl::created_ms)});
    return records;
}

const Records<NetworkAclEntry>& entries() {
    static const Records<NetworkAclEntry> records(
        "network_acl_entries",
        {field("network_acl_id", &NetworkAclEntry::network_acl_id),
         field("is_egress", &NetworkAclEntry::is_egress), field("rule_number", &NetworkAclEntry::rule_number),
         field("protocol", &NetworkAclEntry::protocol), field("allow", &NetworkAclEntry::allow),
         field("cidr", &NetworkAclEntry::cidr), field("icmp_type", &NetworkAclEntry::icmp_type),
         field("icmp_code", &NetworkAclEntry::icmp_code), field("from_port", &NetworkAclEntry::from_port),
         field("to_port", &NetworkAclEntry::to_port)},
        3);
    return records;
}

const Records<NetworkAclAssociation>& associations() {
    static const Records<NetworkAclAssociation> records(
        "network_acl_associations", {field("id", &NetworkAclAssociation::id),
                                     field("network_acl_id", &NetworkAclAssociation::network_acl_id),
                                     field("subnet_id", &NetworkAclAssociation::subnet_id)});
    return records;
}

}  // namespace

void insert(Session& session, const NetworkAcl& record) {
    acls().insert(session, record);
}

void update(Session& session, const NetworkAcl& record) {
    acls().update(session, record);
}

void erase(Session& session, const NetworkAclId& id) {
    acls().erase_id(session, id.str());
}

std::optional<NetworkAcl> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id) {
    return acls().find(session, account_id, region, id);
}

std::optional<NetworkAcl> find_any(Session& session, std::string_view id) {
    return acls().find_any(session, id);
}

std::vector<NetworkAcl> list(Session& session, const AccountId& account_id, std::string_view region,
                             std::string_view after, std::int64_t limit) {
    return acls().list(session, account_id, region, after, limit);
}

std::vector<NetworkAcl> of_vpc(Session& session, const VpcId& vpc_id) {
    return acls().all(session, "vpc_id = ? ORDER BY id", {vpc_id.str()});
}

void insert_entry(Session& session, const NetworkAclEntry& record) {
    entries().insert(session, record);
}

void update_entry(Session& session, const NetworkAclEntry& record) {
    entries().update(session, record);
}

void erase_entry(Session& session, const NetworkAclId& id, bool is_egress, std::int64_t rule_number) {
    entries().erase(session, "network_acl_id = ? AND is_egress = ? AND rule_number = ?",
                    {id.str(), std::int64_t{is_egress}, rule_number});
}

void erase_entries(Session& session, const NetworkAclId& id) {
    entries().erase(session, "network_acl_id = ?", {id.str()});
}

std::vector<NetworkAclEntry> entries_of(Session& session, const NetworkAclId& id) {
    return entries().all(session, "network_acl_id = ? ORDER BY is_egress, rule_number", {id.str()});
}

void insert_association(Session& session, const NetworkAclAssociation& record) {
    associations().insert(session, record);
}

void erase_association(Session& session, const NetworkAclAssociationId& id) {
    associations().erase(session, "id = ?", {id.str()});
}

void erase_association_of(Session& session, const SubnetId& subnet_id) {
    associations().erase(session, "subnet_id = ?", {subnet_id.str()});
}

std::optional<NetworkAclAssociation> find_association(Session& session, std::string_view id) {
    return associations().one(session, "id = ?", {id});
}

std::optional<NetworkAclAssociation> association_of(Session& session, const SubnetId& subnet_id) {
    return associations().one(session, "subnet_id = ?", {subnet_id.str()});
}

std::vector<NetworkAclAssociation> associations_of(Session& session, const NetworkAclId& id) {
    return associations().all(session, "network_acl_id = ? ORDER BY subnet_id", {id.str()});
}

}  // namespace lodge::db::network_acls
