// Security groups' rules: as requests name them, as replies show them, and how many a group may have.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/actions/network.h"
#include "proto/ec2/security_group_rules.h"
#include "proto/model/security_group.h"

namespace lodge::api {

// The account's group of that ID, or of that name in the default VPC.
Result<SecurityGroup> find_group(db::Session& session, const RequestContext& context,
                                 const std::optional<std::string>& id,
                                 const std::optional<std::string>& name);

// Names and descriptions of groups and rules: up to 255 of EC2's characters.
bool is_group_text(std::string_view text);

// One rule for each source of the permissions, without an ID. Of a referenced group they hold what the
// request says, which need not be true.
Result<std::vector<SecurityGroupRule>> rules_of(db::Session& session, const RequestContext& context,
                                                const SecurityGroup& group, bool is_egress,
                                                const std::vector<ec2::NewIpPermission>& permissions);

// Makes what a rule of a request references true, or refuses it: a prefix list of the account, a group of the
// same VPC or of an active peer's.
Status settle(db::Session& session, const RequestContext& context, const SecurityGroup& group,
              SecurityGroupRule& rule);

// Whether `wanted`, out of a request, names the rule; their descriptions do not matter.
bool names(const SecurityGroupRule& wanted, const SecurityGroupRule& rule);

// "peer: 10.0.0.0/8, TCP, from port: 22, to port: 22, ALLOW"
std::string in_words(const SecurityGroupRule& rule);

// RulesPerSecurityGroupLimitExceeded if the group has too many. Source: Amazon VPC User Guide, "Amazon VPC
// quotas": of each direction and family; a prefix list counts as often as it may have entries.
Status check_rule_count(db::Session& session, const SecurityGroupId& id);

void erase_with_rules(db::Session& session, const SecurityGroupId& id);

// A rule with what is known of the group that it references.
struct RuleRecord {
    SecurityGroupRule value;
    std::vector<Tag> tags;
    std::string referenced_name;
    std::string peering_id;  // of a peer's group
    std::string peering_status;
    bool is_stale = false;  // the peer's group or the peering is gone
};

RuleRecord load_rule(db::Session& session, SecurityGroupRule rule);
std::vector<RuleRecord> load_rules(db::Session& session, const SecurityGroupId& id);
ec2::SecurityGroupRule shown(const RuleRecord& record);
ec2::UserIdGroupPair shown_reference(const RuleRecord& record);

// Whether replies show ports (or ICMP's type and code) of a permission of that protocol.
bool shows_ports(std::string_view protocol);
// The rules of one direction, put together by protocol and ports.
std::vector<ec2::IpPermission> grouped(const std::vector<RuleRecord>& rules, bool is_egress);

}  // namespace lodge::api
