#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/security_group.h"

namespace lodge::db::security_groups {

void insert(Session& session, const SecurityGroup& record);
void update(Session& session, const SecurityGroup& record);
void erase(Session& session, const SecurityGroupId& id);
std::optional<SecurityGroup> find(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view id);
std::optional<SecurityGroup> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<SecurityGroup> list(Session& session, const AccountId& account_id, std::string_view region,
                                std::string_view after, std::int64_t limit);
std::vector<SecurityGroup> of_vpc(Session& session, const VpcId& vpc_id);
std::optional<SecurityGroup> find_by_name(Session& session, const VpcId& vpc_id, std::string_view name);

void insert_rule(Session& session, const SecurityGroupRule& record);
void update_rule(Session& session, const SecurityGroupRule& record);
void erase_rule(Session& session, const SecurityGroupRuleId& id);
void erase_rules(Session& session, const SecurityGroupId& group_id);
std::optional<SecurityGroupRule> find_rule(Session& session, const AccountId& account_id,
                                           std::string_view region, std::string_view id);
std::vector<SecurityGroupRule> list_rules(Session& session, const AccountId& account_id,
                                          std::string_view region, std::string_view after,
                                          std::int64_t limit);
std::vector<SecurityGroupRule> rules_of(Session& session, const SecurityGroupId& group_id);
// Rules of any account that name the group, or the prefix list.
std::vector<SecurityGroupRule> rules_naming_group(Session& session, std::string_view referenced_group_id);
std::vector<SecurityGroupRule> rules_naming_prefix_list(Session& session, std::string_view prefix_list_id);

}  // namespace lodge::db::security_groups
