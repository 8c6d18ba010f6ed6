#include "db/store/security_groups.h"

#include "db/store/records.h"

namespace lodge::db::security_groups {
namespace {

const Records<SecurityGroup>& groups() {
    static const Records<SecurityGroup> records(
        "security_groups",
        {field("id", &SecurityGroup::id), field("account_id", &SecurityGroup::account_id),
         field("region", &SecurityGroup::region), field("vpc_id", &SecurityGroup::vpc_id),
         field("name", &SecurityGroup::name), field("description", &SecurityGroup::description),
         field("created_ms", &SecurityGroup::created_ms)});
    return records;
}

const Records<SecurityGroupRule>& rules() {
    static const Records<SecurityGroupRule> records(
        "security_group_rules",
        {field("id", &SecurityGroupRule::id), field("account_id", &SecurityGroupRule::account_id),
         field("region", &SecurityGroupRule::region), field("group_id", &SecurityGroupRule::group_id),
         field("is_egress", &SecurityGroupRule::is_egress), field("protocol", &SecurityGroupRule::protocol),
         field("from_port", &SecurityGroupRule::from_port), field("to_port", &SecurityGroupRule::to_port),
         field("cidr", &SecurityGroupRule::cidr), field("prefix_list_id", &SecurityGroupRule::prefix_list_id),
         field("referenced_group_id", &SecurityGroupRule::referenced_group_id),
         field("referenced_account_id", &SecurityGroupRule::referenced_account_id),
         field("referenced_vpc_id", &SecurityGroupRule::referenced_vpc_id),
         field("vpc_peering_id", &SecurityGroupRule::vpc_peering_id),
         field("description", &SecurityGroupRule::description)});
    return records;
}

}  // namespace

void insert(Session& session, const SecurityGroup& record) {
    groups().insert(session, record);
}

void update(Session& session, const SecurityGroup& record) {
    groups().update(session, record);
}

void erase(Session& session, const SecurityGroupId& id) {
    groups().erase_id(session, id.str());
}

std::optional<SecurityGroup> find(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view id) {
    return groups().find(session, account_id, region, id);
}

std::optional<SecurityGroup> find_any(Session& session, std::string_view id) {
    return groups().find_any(session, id);
}

std::vector<SecurityGroup> list(Session& session, const AccountId& account_id, std::string_view region,
                                std::string_view after, std::int64_t limit) {
    return groups().list(session, account_id, region, after, limit);
}

std::vector<SecurityGroup> of_vpc(Session& session, const VpcId& vpc_id) {
    return groups().all(session, "vpc_id = ? ORDER BY id", {vpc_id.str()});
}

std::optional<SecurityGroup> find_by_name(Session& session, const VpcId& vpc_id, std::string_view name) {
    return groups().one(session, "vpc_id = ? AND name = ?", {vpc_id.str(), name});
}

void insert_rule(Session& session, const SecurityGroupRule& record) {
    rules().insert(session, record);
}

void update_rule(Session& session, const SecurityGroupRule& record) {
    rules().update(session, record);
}

void erase_rule(Session& session, const SecurityGroupRuleId& id) {
    rules().erase(session, "id = ?", {id.str()});
}

void erase_rules(Session& session, const SecurityGroupId& group_id) {
    rules().erase(session, "group_id = ?", {group_id.str()});
}

std::optional<SecurityGroupRule> find_rule(Session& session, const AccountId& account_id,
                                           std::string_view region, std::string_view id) {
    return rules().one(session, "id = ? AND account_id = ? AND region = ?", {id, account_id, region});
}

std::vector<SecurityGroupRule> list_rules(Session& session, const AccountId& account_id,
                                          std::string_view region, std::string_view after,
                                          std::int64_t limit) {
    return rules().all(session, "account_id = ? AND region = ? AND id > ? ORDER BY id LIMIT ?",
                       {account_id, region, after, limit});
}

std::vector<SecurityGroupRule> rules_of(Session& session, const SecurityGroupId& group_id) {
    return rules().all(session, "group_id = ? ORDER BY is_egress, id", {group_id.str()});
}

std::vector<SecurityGroupRule> rules_naming_group(Session& session, std::string_view referenced_group_id) {
    return rules().all(session, "referenced_group_id = ? ORDER BY id", {referenced_group_id});
}

std::vector<SecurityGroupRule> rules_naming_prefix_list(Session& session, std::string_view prefix_list_id) {
    return rules().all(session, "prefix_list_id = ? ORDER BY id", {prefix_list_id});
}

}  // namespace lodge::db::security_groups
