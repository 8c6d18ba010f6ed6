// CreateSecurityGroup, DeleteSecurityGroup, DescribeSecurityGroups, GetSecurityGroupsForVpc, stale rules and
// references. Their rules: security_group_rules.cpp.
#include "db/store/security_groups.h"

#include <algorithm>
#include <set>

#include "api/actions/group_rules.h"
#include "api/actions/tagging.h"
#include "db/store/network_interfaces.h"
#include "db/store/vpc_peerings.h"
#include "db/store/vpcs.h"
#include "proto/base/cidrs.h"
#include "proto/ec2/security_groups.h"

namespace lodge::api {
namespace {

using describe::Values;

struct GroupRecord {
    SecurityGroup value;
    std::vector<Tag> tags;
    std::vector<RuleRecord> rules;
};

GroupRecord load(db::Session& session, SecurityGroup group) {
    auto tags = db::tags::of(session, group.account_id, group.id.str());
    auto rules = load_rules(session, group.id);
    return {std::move(group), std::move(tags), std::move(rules)};
}

std::string arn_of(const SecurityGroup& group) {
    return "arn:aws:ec2:" + group.region + ":" + group.account_id + ":security-group/" + group.id.str();
}

// A filter on the rules of one direction; empty values are not there.
template <class F>
void add_rule_filter(describe::FilterTable<GroupRecord>& table, std::string_view ingress,
                     std::string_view egress, F value) {
    for (bool is_egress : {false, true})
        table.push_back({is_egress ? egress : ingress, [is_egress, value](const GroupRecord& r, Values& out) {
                             for (const auto& rule : r.rules) {
                                 if (rule.value.is_egress != is_egress) continue;
                                 if (std::string text = value(rule); !text.empty())
                                     out.push_back(std::move(text));
                             }
                         }});
}

std::string cidr_of(const RuleRecord& r, bool is_ipv6) {
    return is_ipv6_text(r.value.cidr) == is_ipv6 ? r.value.cidr : "";
}

std::string port(const RuleRecord& r, std::int64_t value) {
    return shows_ports(r.value.protocol) ? std::to_string(value) : "";
}

describe::FilterTable<GroupRecord> make_group_filters() {
    describe::FilterTable<GroupRecord> table = {
        filter<GroupRecord>("description", [](const auto& r) { return r.value.description; }),
        filter<GroupRecord>("group-id", [](const auto& r) { return r.value.id.str(); }),
        filter<GroupRecord>("group-name", [](const auto& r) { return r.value.name; }),
        filter<GroupRecord>("owner-id", [](const auto& r) { return r.value.account_id; }),
        filter<GroupRecord>("vpc-id", [](const auto& r) { return r.value.vpc_id.str(); }),
    };
    add_rule_filter(table, "ip-permission.cidr", "egress.ip-permission.cidr",
                    [](const RuleRecord& r) { return cidr_of(r, false); });
    add_rule_filter(table, "ip-permission.from-port", "egress.ip-permission.from-port",
                    [](const RuleRecord& r) { return port(r, r.value.from_port); });
    add_rule_filter(table, "ip-permission.group-id", "egress.ip-permission.group-id",
                    [](const RuleRecord& r) { return r.value.referenced_group_id; });
    add_rule_filter(table, "ip-permission.group-name", "egress.ip-permission.group-name",
                    [](const RuleRecord& r) { return r.referenced_name; });
    add_rule_filter(table, "ip-permission.ipv6-cidr", "egress.ip-permission.ipv6-cidr",
                    [](const RuleRecord& r) { return cidr_of(r, true); });
    add_rule_filter(table, "ip-permission.prefix-list-id", "egress.ip-permission.prefix-list-id",
                    [](const RuleRecord& r) { return r.value.prefix_list_id; });
    add_rule_filter(table, "ip-permission.protocol", "egress.ip-permission.protocol",
                    [](const RuleRecord& r) { return r.value.protocol; });
    add_rule_filter(table, "ip-permission.to-port", "egress.ip-permission.to-port",
                    [](const RuleRecord& r) { return port(r, r.value.to_port); });
    add_rule_filter(table, "ip-permission.user-id", "egress.ip-permission.user-id",
                    [](const RuleRecord& r) { return r.value.referenced_account_id; });
    return table;
}

const describe::FilterTable<GroupRecord>& group_filters() {
    static const auto table = make_group_filters();
    return table;
}

using TaggedGroup = Tagged<SecurityGroup>;

const describe::FilterTable<TaggedGroup>& filters_for_vpc() {
    static const describe::FilterTable<TaggedGroup> table = {
        filter<TaggedGroup>("description", [](const auto& r) { return r.value.description; }),
        filter<TaggedGroup>("group-id", [](const auto& r) { return r.value.id.str(); }),
        filter<TaggedGroup>("group-name", [](const auto& r) { return r.value.name; }),
        filter<TaggedGroup>("owner-id", [](const auto& r) { return r.value.account_id; }),
        filter<TaggedGroup>("primary-vpc-id", [](const auto& r) { return r.value.vpc_id.str(); }),
    };
    return table;
}

const describe::FilterTable<GroupRecord>& no_filters() {
    static const describe::FilterTable<GroupRecord> table;
    return table;
}

bool never_an_id(std::string_view) {
    return false;
}

// The groups of one VPC, as the engine pages through them.
template <class Record>
describe::Resource<Record> groups_in(const VpcId& vpc_id, const describe::FilterTable<Record>& filters,
                                     Record (*load)(db::Session&, SecurityGroup)) {
    return {never_an_id,
            ErrorCode::invalid_group_id_malformed,
            ErrorCode::invalid_group_not_found,
            filters,
            [](const Record& record) -> const std::vector<Tag>& { return record.tags; },
            [](const Record& record) { return record.value.id.str(); },
            [](db::Session&, const std::string&) -> std::optional<Record> { return std::nullopt; },
            [vpc_id, load](db::Session& session, const std::string& after, std::int64_t) {
                std::vector<Record> records;
                for (auto& group : db::security_groups::of_vpc(session, vpc_id))
                    if (group.id.str() > after) records.push_back(load(session, std::move(group)));
                return records;
            },
            {},
            true};
}

ec2::SecurityGroup shown(const GroupRecord& record) {
    const auto& group = record.value;
    ec2::SecurityGroup out;
    out.group_id = group.id.str();
    out.group_name = group.name;
    out.group_description = group.description;
    out.security_group_arn = arn_of(group);
    out.owner_id = group.account_id;
    out.vpc_id = group.vpc_id.str();
    out.ip_permissions = grouped(record.rules, false);
    out.ip_permissions_egress = grouped(record.rules, true);
    out.tags = to_ec2(record.tags);
    return out;
}

std::vector<ec2::StaleIpPermission> stale_permissions(const std::vector<RuleRecord>& rules, bool is_egress) {
    std::vector<RuleRecord> stale;
    std::copy_if(rules.begin(), rules.end(), std::back_inserter(stale),
                 [](const RuleRecord& rule) { return rule.is_stale; });
    std::vector<ec2::StaleIpPermission> out;
    for (auto& permission : grouped(stale, is_egress)) {
        ec2::StaleIpPermission each;
        each.from_port = permission.from_port;
        each.ip_protocol = permission.ip_protocol;
        each.to_port = permission.to_port;
        each.groups = std::move(permission.groups);
        out.push_back(std::move(each));
    }
    return out;
}

ec2::StaleSecurityGroup shown_stale(const GroupRecord& record) {
    ec2::StaleSecurityGroup out;
    out.description = record.value.description;
    out.group_id = record.value.id.str();
    out.group_name = record.value.name;
    out.stale_ip_permissions = stale_permissions(record.rules, false);
    out.stale_ip_permissions_egress = stale_permissions(record.rules, true);
    out.vpc_id = record.value.vpc_id.str();
    return out;
}

Status bad_value(std::string_view parameter, const std::string& value, const std::string& why) {
    return fail(ErrorCode::invalid_parameter_value,
                "Value (" + value + ") for parameter " + std::string(parameter) + " is invalid. " + why);
}

// Source: EC2 reference, "CreateSecurityGroup". Spaces at a name's end are cut off.
Result<std::string> check_name(std::string name) {
    name.erase(name.find_last_not_of(' ') + 1);
    if (name.starts_with("sg-"))
        LODGE_CHECK(bad_value("GroupName", name, "Group names may not be in the format sg-*."));
    if (name == "default")
        return fail(ErrorCode::invalid_parameter_value, "Cannot use reserved security group name: default");
    if (name.empty() || !is_group_text(name))
        LODGE_CHECK(
            bad_value("GroupName", name,
                      "Character sets beyond ASCII are not supported, and names have 1 to 255 characters."));
    return name;
}

Status check_group_description(const std::string& description) {
    if (!description.empty() && is_group_text(description)) return {};
    return bad_value("GroupDescription", description,
                     "Invalid security group description. Valid descriptions are strings less than 256 "
                     "characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*");
}

Result<Vpc> find_vpc_or_default(db::Session& session, const RequestContext& context,
                                const std::optional<std::string>& id) {
    if (id) return find_vpc(session, context, *id);
    auto vpc = db::vpcs::find_default(session, context.account_id, context.region);
    if (!vpc) return fail(ErrorCode::vpc_id_not_specified);
    return *vpc;
}

// Rules in other VPCs do not hold a group: they become stale.
Status check_deletable(db::Session& session, const SecurityGroup& group) {
    if (group.name == "default") return fail(ErrorCode::cannot_delete, group.id.str());
    auto dependent = [&] {
        return fail(ErrorCode::dependency_violation,
                    "resource " + group.id.str() + " has a dependent object");
    };
    if (!db::network_interfaces::of_group(session, group.id).empty()) return dependent();
    for (const auto& rule : db::security_groups::rules_naming_group(session, group.id.str()))
        if (rule.group_id != group.id && rule.referenced_vpc_id.empty()) return dependent();
    return {};
}

Result<SecurityGroup> find_in_default_vpc(db::Session& session, const RequestContext& context,
                                          const std::string& name) {
    return find_group(session, context, std::nullopt, name);
}

// Which VPCs at the other end of a peering have rules that name the group.
void add_references(db::Session& session, const SecurityGroup& group,
                    std::vector<ec2::SecurityGroupReference>& out) {
    std::set<std::string> seen;
    for (const auto& rule : db::security_groups::rules_naming_group(session, group.id.str())) {
        if (rule.referenced_vpc_id.empty()) continue;
        auto referencing = db::security_groups::find_any(session, rule.group_id.str());
        if (!referencing || !seen.insert(referencing->vpc_id.str()).second) continue;
        auto record = load_rule(session, rule);
        if (record.is_stale) continue;
        out.push_back({group.id.str(), referencing->vpc_id.str(), record.peering_id});
    }
}

}  // namespace

Result<ec2::CreateSecurityGroupResponse> create_security_group(
    RequestContext& context, const ec2::CreateSecurityGroupRequest& request) {
    LODGE_TRY(auto name, check_name(request.group_name));
    LODGE_CHECK(check_group_description(request.group_description));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "security-group", {"security-group"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateSecurityGroupResponse> {
        LODGE_TRY(auto vpc, find_vpc_or_default(session, context, request.vpc_id));
        if (db::security_groups::find_by_name(session, vpc.id, name))
            return fail(ErrorCode::invalid_group_duplicate, name, vpc.id.str());
        auto group = network::make_group(session, owner_of(context), vpc.id, name, request.group_description);
        auto shown_tags = put_tags(session, context, group.id.str(), "security-group", tags);
        network_changed(session, context, vpc.id);
        return ec2::CreateSecurityGroupResponse{group.id.str(), arn_of(group), std::move(shown_tags)};
    });
}

Result<ec2::DeleteSecurityGroupResponse> delete_security_group(
    RequestContext& context, const ec2::DeleteSecurityGroupRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteSecurityGroupResponse> {
        LODGE_TRY(auto group, find_group(session, context, request.group_id, request.group_name));
        LODGE_CHECK(check_deletable(session, group));
        for (const auto& rule : db::security_groups::rules_naming_group(session, group.id.str()))
            if (auto peer = db::security_groups::find_any(session, rule.group_id.str()))
                network_changed(session, context, peer->vpc_id);
        erase_with_rules(session, group.id);
        network_changed(session, context, group.vpc_id);
        return ec2::DeleteSecurityGroupResponse{true, group.id.str()};
    });
}

Result<ec2::DescribeSecurityGroupsResponse> describe_security_groups(
    RequestContext& context, const ec2::DescribeSecurityGroupsRequest& request) {
    LODGE_TRY(auto ids, ids_of(context, request.group_id, request.group_name, find_in_default_vpc));
    auto resource = resource_of<SecurityGroupId, SecurityGroup, GroupRecord>(
        context, ErrorCode::invalid_group_id_malformed, ErrorCode::invalid_group_not_found, group_filters(),
        db::security_groups::find, db::security_groups::list, load);
    LODGE_TRY(auto page,
              describe::describe<GroupRecord>(
                  context, {ids, request.filter, request.max_results, request.next_token}, resource));
    ec2::DescribeSecurityGroupsResponse response;
    for (const auto& record : page.records) response.security_groups.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::GetSecurityGroupsForVpcResponse> get_security_groups_for_vpc(
    RequestContext& context, const ec2::GetSecurityGroupsForVpcRequest& request) {
    LODGE_TRY(auto vpc,
              context.read([&](db::Session& session) { return find_vpc(session, context, request.vpc_id); }));
    auto resource = groups_in<TaggedGroup>(vpc.id, filters_for_vpc(), with_tags<SecurityGroup>);
    LODGE_TRY(auto page,
              describe::describe<TaggedGroup>(
                  context, {{}, request.filter, request.max_results, request.next_token}, resource));
    ec2::GetSecurityGroupsForVpcResponse response;
    for (const auto& [group, tags] : page.records)
        response.security_group_for_vpcs.push_back({group.description, group.name, group.account_id,
                                                    group.id.str(), to_ec2(tags), group.vpc_id.str()});
    response.next_token = page.next_token;
    return response;
}

Result<ec2::DescribeStaleSecurityGroupsResponse> describe_stale_security_groups(
    RequestContext& context, const ec2::DescribeStaleSecurityGroupsRequest& request) {
    LODGE_TRY(auto vpc,
              context.read([&](db::Session& session) { return find_vpc(session, context, request.vpc_id); }));
    auto resource = groups_in<GroupRecord>(vpc.id, no_filters(), load);
    resource.wanted = [](const GroupRecord& record) {
        return std::any_of(record.rules.begin(), record.rules.end(),
                           [](const RuleRecord& rule) { return rule.is_stale; });
    };
    LODGE_TRY(auto page, describe::describe<GroupRecord>(
                             context, {{}, {}, request.max_results, request.next_token}, resource));
    ec2::DescribeStaleSecurityGroupsResponse response;
    for (const auto& record : page.records) response.stale_security_groups.push_back(shown_stale(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::DescribeSecurityGroupReferencesResponse> describe_security_group_references(
    RequestContext& context, const ec2::DescribeSecurityGroupReferencesRequest& request) {
    return context.read([&](db::Session& session) -> Result<ec2::DescribeSecurityGroupReferencesResponse> {
        ec2::DescribeSecurityGroupReferencesResponse response;
        for (const auto& id : request.group_id) {
            LODGE_TRY(auto group, find_group(session, context, id, std::nullopt));
            add_references(session, group, response.security_group_references);
        }
        return response;
    });
}

}  // namespace lodge::api
