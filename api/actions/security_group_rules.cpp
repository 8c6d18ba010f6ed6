// Authorize and Revoke, DescribeSecurityGroupRules, ModifySecurityGroupRules, descriptions.
#include "proto/ec2/security_group_rules.h"

#include <algorithm>

#include "api/actions/group_rules.h"
#include "api/actions/tagging.h"
#include "db/store/security_groups.h"
#include "db/store/vpcs.h"
#include "proto/base/cidrs.h"

namespace lodge::api {
namespace {

constexpr std::int64_t highest_port = 65'535;

// The group that a request is about.
struct Target {
    std::optional<std::string> id;
    std::optional<std::string> name;
};

const describe::FilterTable<RuleRecord>& rule_filters() {
    static const describe::FilterTable<RuleRecord> table = {
        filter<RuleRecord>("group-id", [](const auto& r) { return r.value.group_id.str(); }),
        filter<RuleRecord>("security-group-rule-id", [](const auto& r) { return r.value.id.str(); }),
    };
    return table;
}

// "SourceSecurityGroupName" lets a group in with all of TCP, UDP and ICMP.
std::vector<ec2::NewIpPermission> permissions_for_group(const std::string& name,
                                                        const std::optional<std::string>& owner) {
    ec2::NewUserIdGroupPair pair;
    pair.group_name = name;
    pair.user_id = owner;
    std::vector<ec2::NewIpPermission> permissions;
    for (const auto* protocol : {"tcp", "udp", "icmp"}) {
        bool is_icmp = std::string_view(protocol) == "icmp";
        ec2::NewIpPermission permission;
        permission.ip_protocol = protocol;
        permission.from_port = is_icmp ? -1 : 0;
        permission.to_port = is_icmp ? -1 : highest_port;
        permission.groups.push_back(pair);
        permissions.push_back(std::move(permission));
    }
    return permissions;
}

// IpPermissions or the old, flat form; empty if there is neither. Only ingress has the flat one.
template <class R>
Result<std::vector<ec2::NewIpPermission>> permissions_of(const R& request) {
    bool range = request.cidr_ip || request.from_port || request.to_port || request.ip_protocol;
    bool group = request.source_security_group_name || request.source_security_group_owner_id;
    if (range + group + !request.ip_permissions.empty() > 1)
        return fail(ErrorCode::invalid_parameter_combination,
                    "IpPermissions, SourceSecurityGroupName and CidrIp with its protocol and ports cannot be "
                    "used together.");
    if (group) {
        if (!request.source_security_group_name)
            return fail(ErrorCode::missing_parameter, "SourceSecurityGroupName");
        return permissions_for_group(*request.source_security_group_name,
                                     request.source_security_group_owner_id);
    }
    if (!range) return request.ip_permissions;
    if (!request.cidr_ip) return fail(ErrorCode::missing_parameter, "CidrIp");
    ec2::NewIpPermission permission;
    permission.ip_protocol = request.ip_protocol;
    permission.from_port = request.from_port;
    permission.to_port = request.to_port;
    permission.ip_ranges.push_back({request.cidr_ip, std::nullopt});
    return std::vector{permission};
}

Status check_distinct(const std::vector<SecurityGroupRule>& rules) {
    for (std::size_t i = 0; i < rules.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (names(rules[i], rules[j]))
                return fail(ErrorCode::invalid_parameter_value,
                            "The same permission must not appear multiple times");
    return {};
}

Result<ec2::AuthorizedRules> authorize(RequestContext& context, const Target& target, bool is_egress,
                                       const std::vector<ec2::NewIpPermission>& permissions,
                                       const std::vector<ec2::TagSpecification>& specifications) {
    if (permissions.empty()) return fail(ErrorCode::missing_parameter, "ipPermissions");
    LODGE_TRY(auto tags, tags_for(specifications, "security-group-rule", {"security-group-rule"}));
    return context.write([&](db::Session& session) -> Result<ec2::AuthorizedRules> {
        LODGE_TRY(auto group, find_group(session, context, target.id, target.name));
        LODGE_TRY(auto wanted, rules_of(session, context, group, is_egress, permissions));
        LODGE_CHECK(check_distinct(wanted));
        auto there = db::security_groups::rules_of(session, group.id);
        ec2::AuthorizedRules response;
        response.return_ = true;
        for (auto& rule : wanted) {
            LODGE_CHECK(settle(session, context, group, rule));
            if (std::any_of(there.begin(), there.end(),
                            [&](const auto& other) { return names(rule, other); }))
                return fail(ErrorCode::invalid_permission_duplicate, in_words(rule));
            rule.id = SecurityGroupRuleId::make(context.services.random);
            db::security_groups::insert_rule(session, rule);
            put_tags(session, context, rule.id.str(), "security-group-rule", tags);
            response.security_group_rules.push_back(shown(load_rule(session, rule)));
        }
        LODGE_CHECK(check_rule_count(session, group.id));
        network_changed(session, context, group.vpc_id);
        return response;
    });
}

// The group's rule of that ID and direction.
Result<SecurityGroupRule> find_rule(db::Session& session, const RequestContext& context,
                                    const SecurityGroup& group, std::optional<bool> is_egress,
                                    const std::string& id) {
    LODGE_TRY(auto rule,
              find_or_fail<SecurityGroupRuleId>(session, context, id, db::security_groups::find_rule,
                                                ErrorCode::invalid_security_group_rule_id_malformed,
                                                ErrorCode::invalid_security_group_rule_id_not_found));
    if (rule.group_id != group.id || is_egress.value_or(rule.is_egress) != rule.is_egress)
        return fail(ErrorCode::invalid_security_group_rule_id_not_found, id);
    return rule;
}

// What a request means of a group's rules, and what it names that is not there.
struct Named {
    std::vector<SecurityGroupRule> rules;
    std::vector<RuleRecord> unknown;
};

Result<Named> find_named(db::Session& session, const RequestContext& context, const SecurityGroup& group,
                         bool is_egress, const std::vector<ec2::NewIpPermission>& permissions) {
    LODGE_TRY(auto wanted, rules_of(session, context, group, is_egress, permissions));
    auto there = db::security_groups::rules_of(session, group.id);
    Named found;
    for (auto& each : wanted) {
        auto rule = std::find_if(there.begin(), there.end(), [&](const auto& r) { return names(each, r); });
        if (rule == there.end()) {
            RuleRecord unknown;
            unknown.value = std::move(each);
            found.unknown.push_back(std::move(unknown));
        } else {
            found.rules.push_back(*rule);
            found.rules.back().description = each.description;  // for those who set it
        }
    }
    return found;
}

Result<Named> find_named(db::Session& session, const RequestContext& context, const SecurityGroup& group,
                         bool is_egress, const std::vector<std::string>& rule_ids) {
    Named found;
    for (const auto& id : rule_ids) {
        LODGE_TRY(auto rule, find_rule(session, context, group, is_egress, id));
        found.rules.push_back(std::move(rule));
    }
    return found;
}

ec2::RevokedSecurityGroupRule shown_revoked(const RuleRecord& record) {
    auto rule = shown(record);
    ec2::RevokedSecurityGroupRule out;
    out.security_group_rule_id = rule.security_group_rule_id;
    out.group_id = rule.group_id;
    out.is_egress = rule.is_egress;
    out.ip_protocol = rule.ip_protocol;
    out.from_port = rule.from_port;
    out.to_port = rule.to_port;
    out.cidr_ipv4 = rule.cidr_ipv4;
    out.cidr_ipv6 = rule.cidr_ipv6;
    out.prefix_list_id = rule.prefix_list_id;
    if (rule.referenced_group_info) out.referenced_group_id = rule.referenced_group_info->group_id;
    out.description = rule.description;
    return out;
}

// Source: EC2 reference, "RevokeSecurityGroupIngress": in the default VPC unknown rules are answered,
// elsewhere they are an error and nothing goes.
Result<ec2::RevokedRules> revoke(RequestContext& context, const Target& target, bool is_egress,
                                 const std::vector<std::string>& rule_ids,
                                 const std::vector<ec2::NewIpPermission>& permissions) {
    if (rule_ids.empty() && permissions.empty())
        return fail(ErrorCode::missing_parameter, "ipPermissions or securityGroupRuleIds");
    if (!rule_ids.empty() && !permissions.empty())
        return fail(ErrorCode::invalid_parameter_combination,
                    "Rules are named by their IDs or by IpPermissions, not by both.");
    return context.write([&](db::Session& session) -> Result<ec2::RevokedRules> {
        LODGE_TRY(auto group, find_group(session, context, target.id, target.name));
        LODGE_TRY(auto named, rule_ids.empty() ? find_named(session, context, group, is_egress, permissions)
                                               : find_named(session, context, group, is_egress, rule_ids));
        auto vpc = db::vpcs::find_any(session, group.vpc_id.str());
        if (!named.unknown.empty() && !(vpc && vpc->is_default))
            return fail(ErrorCode::invalid_permission_not_found);
        ec2::RevokedRules response;
        response.return_ = true;
        response.unknown_ip_permissions = grouped(named.unknown, is_egress);
        for (const auto& each : named.rules) {
            auto rule =
                db::security_groups::find_rule(session, context.account_id, context.region, each.id.str());
            if (!rule) continue;  // named twice
            response.revoked_security_group_rules.push_back(shown_revoked(load_rule(session, *rule)));
            db::security_groups::erase_rule(session, rule->id);
            db::tags::erase_all(session, rule->id.str());
        }
        network_changed(session, context, group.vpc_id);
        return response;
    });
}

template <class Response, class R>
Result<Response> update_descriptions(RequestContext& context, const R& request, bool is_egress) {
    const auto& by_id = request.security_group_rule_description;
    if (request.ip_permissions.empty() == by_id.empty())
        return fail(ErrorCode::invalid_parameter_combination,
                    "Exactly one of IpPermissions and SecurityGroupRuleDescriptions is needed.");
    return context.write([&](db::Session& session) -> Result<Response> {
        LODGE_TRY(auto group, find_group(session, context, request.group_id, request.group_name));
        LODGE_TRY(auto named, find_named(session, context, group, is_egress, request.ip_permissions));
        if (!named.unknown.empty()) return fail(ErrorCode::invalid_permission_not_found);
        for (const auto& each : by_id) {
            LODGE_TRY(auto rule, find_rule(session, context, group, is_egress,
                                           each.security_group_rule_id.value_or("")));
            rule.description = each.description.value_or("");
            if (!is_group_text(rule.description))
                return fail(ErrorCode::invalid_parameter_value, "Invalid rule description.");
            named.rules.push_back(std::move(rule));
        }
        for (const auto& rule : named.rules) db::security_groups::update_rule(session, rule);
        return Response{true};
    });
}

ec2::NewIpPermission permission_of(const ec2::SecurityGroupRuleRequest& wanted) {
    ec2::NewIpPermission permission;
    permission.ip_protocol = wanted.ip_protocol;
    permission.from_port = wanted.from_port;
    permission.to_port = wanted.to_port;
    if (wanted.cidr_ipv4) permission.ip_ranges.push_back({wanted.cidr_ipv4, wanted.description});
    if (wanted.cidr_ipv6) permission.ipv6_ranges.push_back({wanted.cidr_ipv6, wanted.description});
    if (wanted.prefix_list_id)
        permission.prefix_list_ids.push_back({wanted.description, wanted.prefix_list_id});
    if (wanted.referenced_group_id) {
        ec2::NewUserIdGroupPair pair;
        pair.group_id = wanted.referenced_group_id;
        pair.description = wanted.description;
        permission.groups.push_back(std::move(pair));
    }
    return permission;
}

// 0: IPv4, 1: IPv6, 2: a prefix list, 3: a group.
int kind_of_source(const SecurityGroupRule& rule) {
    if (!rule.prefix_list_id.empty()) return 2;
    if (!rule.referenced_group_id.empty()) return 3;
    return is_ipv6_text(rule.cidr) ? 1 : 0;
}

// The account of a referenced group stays the same unless another group is named.
Result<SecurityGroupRule> modified(db::Session& session, const RequestContext& context,
                                   const SecurityGroup& group, const ec2::SecurityGroupRuleUpdate& update) {
    LODGE_TRY(auto rule,
              find_rule(session, context, group, std::nullopt, update.security_group_rule_id.value_or("")));
    if (!update.security_group_rule) return fail(ErrorCode::missing_parameter, "SecurityGroupRule");
    auto permission = permission_of(*update.security_group_rule);
    for (auto& pair : permission.groups)
        if (pair.group_id == rule.referenced_group_id) pair.user_id = rule.referenced_account_id;
    LODGE_TRY(auto wanted, rules_of(session, context, group, rule.is_egress, {permission}));
    if (wanted.size() != 1)
        return fail(ErrorCode::invalid_parameter_combination,
                    "A rule has exactly one source or destination.");
    if (kind_of_source(wanted.front()) != kind_of_source(rule))
        return fail(ErrorCode::invalid_parameter_value,
                    "The type of a rule's source or destination cannot be changed.");
    LODGE_CHECK(settle(session, context, group, wanted.front()));
    wanted.front().id = rule.id;
    return wanted.front();
}

}  // namespace

Result<ec2::AuthorizeSecurityGroupIngressResponse> authorize_security_group_ingress(
    RequestContext& context, const ec2::AuthorizeSecurityGroupIngressRequest& request) {
    LODGE_TRY(auto permissions, permissions_of(request));
    return authorize(context, {request.group_id, request.group_name}, false, permissions,
                     request.tag_specification);
}

Result<ec2::AuthorizeSecurityGroupEgressResponse> authorize_security_group_egress(
    RequestContext& context, const ec2::AuthorizeSecurityGroupEgressRequest& request) {
    return authorize(context, {request.group_id, std::nullopt}, true, request.ip_permissions,
                     request.tag_specification);
}

Result<ec2::RevokeSecurityGroupIngressResponse> revoke_security_group_ingress(
    RequestContext& context, const ec2::RevokeSecurityGroupIngressRequest& request) {
    LODGE_TRY(auto permissions, permissions_of(request));
    return revoke(context, {request.group_id, request.group_name}, false, request.security_group_rule_id,
                  permissions);
}

Result<ec2::RevokeSecurityGroupEgressResponse> revoke_security_group_egress(
    RequestContext& context, const ec2::RevokeSecurityGroupEgressRequest& request) {
    return revoke(context, {request.group_id, std::nullopt}, true, request.security_group_rule_id,
                  request.ip_permissions);
}

Result<ec2::DescribeSecurityGroupRulesResponse> describe_security_group_rules(
    RequestContext& context, const ec2::DescribeSecurityGroupRulesRequest& request) {
    auto resource = resource_of<SecurityGroupRuleId, SecurityGroupRule, RuleRecord>(
        context, ErrorCode::invalid_security_group_rule_id_malformed,
        ErrorCode::invalid_security_group_rule_id_not_found, rule_filters(), db::security_groups::find_rule,
        db::security_groups::list_rules, load_rule);
    LODGE_TRY(auto page, describe::describe<RuleRecord>(context,
                                                        {request.security_group_rule_id, request.filter,
                                                         request.max_results, request.next_token},
                                                        resource));
    ec2::DescribeSecurityGroupRulesResponse response;
    for (const auto& record : page.records) response.security_group_rules.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::ModifySecurityGroupRulesResponse> modify_security_group_rules(
    RequestContext& context, const ec2::ModifySecurityGroupRulesRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::ModifySecurityGroupRulesResponse> {
        LODGE_TRY(auto group, find_group(session, context, request.group_id, std::nullopt));
        std::vector<SecurityGroupRule> changed;
        for (const auto& update : request.security_group_rule) {
            LODGE_TRY(auto rule, modified(session, context, group, update));
            db::security_groups::update_rule(session, rule);
            changed.push_back(std::move(rule));
        }
        for (const auto& rule : changed)
            for (const auto& other : db::security_groups::rules_of(session, group.id))
                if (other.id != rule.id && names(rule, other))
                    return fail(ErrorCode::invalid_permission_duplicate, in_words(rule));
        LODGE_CHECK(check_rule_count(session, group.id));
        network_changed(session, context, group.vpc_id);
        return ec2::ModifySecurityGroupRulesResponse{true};
    });
}

Result<ec2::UpdateSecurityGroupRuleDescriptionsIngressResponse>
update_security_group_rule_descriptions_ingress(
    RequestContext& context, const ec2::UpdateSecurityGroupRuleDescriptionsIngressRequest& request) {
    return update_descriptions<ec2::UpdateSecurityGroupRuleDescriptionsIngressResponse>(context, request,
                                                                                        false);
}

Result<ec2::UpdateSecurityGroupRuleDescriptionsEgressResponse> update_security_group_rule_descriptions_egress(
    RequestContext& context, const ec2::UpdateSecurityGroupRuleDescriptionsEgressRequest& request) {
    return update_descriptions<ec2::UpdateSecurityGroupRuleDescriptionsEgressResponse>(context, request,
                                                                                       true);
}

}  // namespace lodge::api
