#include "api/actions/group_rules.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "api/actions/tagging.h"
#include "api/actions/words.h"
#include "db/store/prefix_lists.h"
#include "db/store/security_groups.h"
#include "db/store/vpc_peerings.h"
#include "db/store/vpcs.h"
#include "proto/base/cidrs.h"
#include "proto/base/letters.h"
#include "proto/base/number.h"

namespace lodge::api {
namespace {

constexpr std::size_t longest_text = 255;
constexpr std::int64_t highest_port = 65'535;
constexpr std::int64_t highest_icmp = 255;
constexpr std::int64_t max_rules = 60;

bool is_icmp(std::string_view protocol) {
    return protocol == "icmp" || protocol == "icmpv6";
}

Status bad_value(const std::string& message) {
    return fail(ErrorCode::invalid_parameter_value, message);
}

// EC2 keeps four protocols by name, the others by number.
Result<std::string> parse_protocol(const std::optional<std::string>& text) {
    if (!text)
        return fail(
            ErrorCode::invalid_parameter_value,
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.");
    const auto word = lower_case(*text);
    if (word == "-1" || word == "tcp" || word == "udp" || is_icmp(word)) return word;
    const auto number = parse_number<int>(word);
    if (!number || *number < 0 || *number > 255)
        return fail(ErrorCode::invalid_parameter_value,
                    "Invalid value '" + *text + "' for IP protocol. Unknown protocol.");
    if (number == 1) return std::string("icmp");
    if (number == 6) return std::string("tcp");
    if (number == 17) return std::string("udp");
    if (number == 58) return std::string("icmpv6");
    return std::to_string(*number);
}

// Protocols without ports let everything through, whatever ports the request names.
Status take_ports(SecurityGroupRule& rule, std::optional<std::int64_t> from, std::optional<std::int64_t> to) {
    if (!shows_ports(rule.protocol) || (rule.protocol == "icmpv6" && !from && !to)) return {};
    if (!from || !to)
        return bad_value(
            "Invalid value for portRange. Must specify both from and to ports with TCP/UDP/ICMP.");
    auto range = "(" + std::to_string(*from) + ":" + std::to_string(*to) + ")";
    if (is_icmp(rule.protocol)) {
        bool fits = *from >= -1 && *from <= highest_icmp && *to >= -1 && *to <= highest_icmp;
        if (!fits || (*from == -1 && *to != -1))
            return bad_value("Invalid ICMP type and code " + range + ".");
    } else {
        if (*from < 0 || *from > highest_port || *to < 0 || *to > highest_port)
            return bad_value("TCP/UDP port " + range + " out of range");
        if (*from > *to) return bad_value("Invalid TCP/UDP port range " + range);
    }
    rule.from_port = *from;
    rule.to_port = *to;
    return {};
}

Status take_description(SecurityGroupRule& rule, const std::optional<std::string>& description) {
    rule.description = description.value_or("");
    if (is_group_text(rule.description)) return {};
    return bad_value(
        "Invalid rule description. Valid descriptions are strings less than 256 characters from the "
        "following "
        "set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*");
}

Status take_cidr(SecurityGroupRule& rule, const std::optional<std::string>& text, bool is_ipv6) {
    auto cidr = Cidr::parse(text.value_or(""));
    if (!cidr || cidr->is_ipv6() != is_ipv6)
        return bad_value("CIDR block " + text.value_or("") + " is malformed");
    rule.cidr = cidr->str();
    return {};
}

Status take_group(db::Session& session, const RequestContext& context, SecurityGroupRule& rule,
                  const ec2::NewUserIdGroupPair& pair) {
    rule.referenced_account_id = pair.user_id.value_or("");
    rule.referenced_vpc_id = pair.vpc_id.value_or("");
    rule.vpc_peering_id = pair.vpc_peering_connection_id.value_or("");
    if (pair.group_id) {
        if (!SecurityGroupId::parse(*pair.group_id))
            return fail(ErrorCode::invalid_group_id_malformed, *pair.group_id);
        rule.referenced_group_id = *pair.group_id;
        return {};
    }
    if (!pair.group_name) return fail(ErrorCode::missing_parameter, "groupId");
    if (pair.user_id.value_or(context.account_id) != context.account_id)
        return fail(ErrorCode::invalid_group_not_found, *pair.group_name);
    LODGE_TRY(auto named, find_group(session, context, std::nullopt, pair.group_name));
    rule.referenced_group_id = named.id.str();
    return {};
}

// Adds a permission's sources, each in a copy of `base`.
class Sources {
  public:
    Sources(db::Session& session, const RequestContext& context, SecurityGroupRule base)
        : session_(session), context_(context), base_(std::move(base)) {}

    Status add_all(const ec2::NewIpPermission& permission, std::vector<SecurityGroupRule>& out) const {
        for (const auto& range : permission.ip_ranges)
            LODGE_CHECK(add(out, range.description,
                            [&](auto& rule) { return take_cidr(rule, range.cidr_ip, false); }));
        for (const auto& range : permission.ipv6_ranges)
            LODGE_CHECK(add(out, range.description,
                            [&](auto& rule) { return take_cidr(rule, range.cidr_ipv6, true); }));
        for (const auto& list : permission.prefix_list_ids)
            LODGE_CHECK(add(out, list.description, [&](auto& rule) -> Status {
                rule.prefix_list_id = list.prefix_list_id.value_or("");
                if (PrefixListId::parse(rule.prefix_list_id)) return {};
                return fail(ErrorCode::invalid_prefix_list_id_malformed, rule.prefix_list_id);
            }));
        for (const auto& pair : permission.groups)
            LODGE_CHECK(add(out, pair.description,
                            [&](auto& rule) { return take_group(session_, context_, rule, pair); }));
        return {};
    }

  private:
    template <class F>
    Status add(std::vector<SecurityGroupRule>& out, const std::optional<std::string>& description,
               F take) const {
        auto rule = base_;
        LODGE_CHECK(take_description(rule, description));
        LODGE_CHECK(take(rule));
        out.push_back(std::move(rule));
        return {};
    }

    db::Session& session_;
    const RequestContext& context_;
    const SecurityGroupRule base_;
};

std::optional<VpcPeering> active_peering(db::Session& session, const VpcId& one, std::string_view other) {
    for (const auto& peering : db::vpc_peerings::of_vpc(session, one)) {
        const auto& peer = peering.requester.vpc_id == one ? peering.accepter : peering.requester;
        if (peering.status == PeeringStatus::active && peer.vpc_id.str() == other) return peering;
    }
    return std::nullopt;
}

Status settle_group(db::Session& session, const RequestContext& context, const SecurityGroup& group,
                    SecurityGroupRule& rule) {
    auto missing = [&] { return fail(ErrorCode::invalid_group_not_found, rule.referenced_group_id); };
    auto other = db::security_groups::find_any(session, rule.referenced_group_id);
    if (!other || other->region != group.region) return missing();
    const auto owner = rule.referenced_account_id.empty() ? context.account_id : rule.referenced_account_id;
    if (other->account_id != owner) return missing();
    auto peering = other->vpc_id == group.vpc_id ? std::nullopt
                                                 : active_peering(session, group.vpc_id, other->vpc_id.str());
    if (other->vpc_id != group.vpc_id && !peering) return missing();
    if (!rule.referenced_vpc_id.empty() && rule.referenced_vpc_id != other->vpc_id.str()) return missing();
    auto peering_id = peering ? peering->id.str() : "";
    if (!rule.vpc_peering_id.empty() && rule.vpc_peering_id != peering_id)
        return fail(ErrorCode::invalid_vpc_peering_id_not_found, rule.vpc_peering_id);
    rule.referenced_account_id = other->account_id;
    rule.referenced_vpc_id = peering ? other->vpc_id.str() : "";
    rule.vpc_peering_id = peering_id;
    return {};
}

// Of a peer's group: the peering that is there now, else the one that was.
void load_peering(db::Session& session, const SecurityGroup& own, bool group_exists, RuleRecord& record) {
    const auto& rule = record.value;
    auto peering = active_peering(session, own.vpc_id, rule.referenced_vpc_id);
    if (!peering) peering = db::vpc_peerings::find_any(session, rule.vpc_peering_id);
    record.peering_id = peering ? peering->id.str() : rule.vpc_peering_id;
    record.peering_status = to_text(peering ? peering->status : PeeringStatus::deleted);
    record.is_stale = !group_exists || !peering || peering->status != PeeringStatus::active;
}

void add_source(ec2::IpPermission& permission, const RuleRecord& record) {
    const auto& rule = record.value;
    auto description = unless_empty(rule.description);
    if (!rule.prefix_list_id.empty()) {
        permission.prefix_list_ids.push_back({description, rule.prefix_list_id});
    } else if (!rule.referenced_group_id.empty()) {
        permission.groups.push_back(shown_reference(record));
    } else if (!is_ipv6_text(rule.cidr)) {
        permission.ip_ranges.push_back({rule.cidr, description});
    } else {
        permission.ipv6_ranges.push_back({rule.cidr, description});
    }
}

}  // namespace

Result<SecurityGroup> find_group(db::Session& session, const RequestContext& context,
                                 const std::optional<std::string>& id,
                                 const std::optional<std::string>& name) {
    if (id && name)
        return fail(ErrorCode::invalid_parameter_combination,
                    "The parameter groupName cannot be used with the parameter groupId");
    if (id)
        return find_or_fail<SecurityGroupId>(session, context, *id, db::security_groups::find,
                                             ErrorCode::invalid_group_id_malformed,
                                             ErrorCode::invalid_group_not_found);
    if (!name) return fail(ErrorCode::missing_parameter, "groupName or groupId");
    auto vpc = db::vpcs::find_default(session, context.account_id, context.region);
    auto group = vpc ? db::security_groups::find_by_name(session, vpc->id, *name) : std::nullopt;
    if (!group) return fail(ErrorCode::invalid_group_not_found, *name);
    return *group;
}

bool is_group_text(std::string_view text) {
    constexpr std::string_view marks = ". _-:/()#,@[]+=&;{}!$*";
    auto fits = [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               marks.find(c) != std::string_view::npos;
    };
    return text.size() <= longest_text && std::all_of(text.begin(), text.end(), fits);
}

Result<std::vector<SecurityGroupRule>> rules_of(db::Session& session, const RequestContext& context,
                                                const SecurityGroup& group, bool is_egress,
                                                const std::vector<ec2::NewIpPermission>& permissions) {
    std::vector<SecurityGroupRule> rules;
    for (const auto& permission : permissions) {
        SecurityGroupRule base;
        base.account_id = group.account_id;
        base.region = group.region;
        base.group_id = group.id;
        base.is_egress = is_egress;
        LODGE_TRY(base.protocol, parse_protocol(permission.ip_protocol));
        LODGE_CHECK(take_ports(base, permission.from_port, permission.to_port));
        auto before = rules.size();
        LODGE_CHECK(Sources(session, context, std::move(base)).add_all(permission, rules));
        if (rules.size() == before)
            return fail(ErrorCode::invalid_permission_malformed,
                        "A permission must name an IP range, a prefix list or a security group.");
    }
    return rules;
}

Status settle(db::Session& session, const RequestContext& context, const SecurityGroup& group,
              SecurityGroupRule& rule) {
    if (!rule.referenced_group_id.empty()) return settle_group(session, context, group, rule);
    if (rule.prefix_list_id.empty()) return {};
    if (db::prefix_lists::find(session, context.account_id, context.region, rule.prefix_list_id)) return {};
    return fail(ErrorCode::invalid_prefix_list_id_not_found, rule.prefix_list_id);
}

bool names(const SecurityGroupRule& wanted, const SecurityGroupRule& rule) {
    auto agrees = [](const std::string& said, const std::string& known) {
        return said.empty() || known.empty() || said == known;
    };
    return wanted.is_egress == rule.is_egress && wanted.protocol == rule.protocol &&
           wanted.from_port == rule.from_port && wanted.to_port == rule.to_port && wanted.cidr == rule.cidr &&
           wanted.prefix_list_id == rule.prefix_list_id &&
           wanted.referenced_group_id == rule.referenced_group_id &&
           agrees(wanted.referenced_account_id, rule.referenced_account_id) &&
           agrees(wanted.referenced_vpc_id, rule.referenced_vpc_id);
}

std::string in_words(const SecurityGroupRule& rule) {
    auto source = rule.cidr + rule.prefix_list_id + rule.referenced_group_id;
    const auto protocol = rule.protocol == "-1" ? "ALL" : upper_case(rule.protocol);
    std::string ports;
    if (is_icmp(rule.protocol)) {
        ports = ", type: " + std::to_string(rule.from_port) + ", code: " + std::to_string(rule.to_port);
    } else if (shows_ports(rule.protocol)) {
        ports =
            ", from port: " + std::to_string(rule.from_port) + ", to port: " + std::to_string(rule.to_port);
    }
    return "peer: " + source + ", " + protocol + ports + ", ALLOW";
}

Status check_rule_count(db::Session& session, const SecurityGroupId& id) {
    std::map<std::pair<bool, bool>, std::int64_t> counts;  // by direction and family
    for (const auto& rule : db::security_groups::rules_of(session, id)) {
        if (!rule.prefix_list_id.empty()) {
            auto list = db::prefix_lists::find_any(session, rule.prefix_list_id);
            if (list) counts[{rule.is_egress, list->address_family == "IPv6"}] += list->max_entries;
        } else if (!rule.referenced_group_id.empty()) {
            for (bool is_ipv6 : {false, true}) ++counts[{rule.is_egress, is_ipv6}];
        } else {
            ++counts[{rule.is_egress, is_ipv6_text(rule.cidr)}];
        }
    }
    for (const auto& [kind, count] : counts)
        if (count > max_rules) return fail(ErrorCode::rules_per_security_group_limit_exceeded);
    return {};
}

void erase_with_rules(db::Session& session, const SecurityGroupId& id) {
    for (const auto& rule : db::security_groups::rules_of(session, id))
        db::tags::erase_all(session, rule.id.str());
    db::security_groups::erase_rules(session, id);
    db::security_groups::erase(session, id);
    db::tags::erase_all(session, id.str());
}

RuleRecord load_rule(db::Session& session, SecurityGroupRule rule) {
    RuleRecord record;
    record.tags = db::tags::of(session, rule.account_id, rule.id.str());
    record.value = std::move(rule);
    const auto& reference = record.value.referenced_group_id;
    if (reference.empty()) return record;
    auto referenced = db::security_groups::find_any(session, reference);
    if (referenced) record.referenced_name = referenced->name;
    auto own = db::security_groups::find_any(session, record.value.group_id.str());
    if (own && !record.value.referenced_vpc_id.empty())
        load_peering(session, *own, referenced.has_value(), record);
    return record;
}

std::vector<RuleRecord> load_rules(db::Session& session, const SecurityGroupId& id) {
    std::vector<RuleRecord> records;
    for (auto& rule : db::security_groups::rules_of(session, id))
        records.push_back(load_rule(session, std::move(rule)));
    return records;
}

ec2::SecurityGroupRule shown(const RuleRecord& record) {
    const auto& rule = record.value;
    ec2::SecurityGroupRule out;
    out.security_group_rule_id = rule.id.str();
    out.security_group_rule_arn =
        "arn:aws:ec2:" + rule.region + ":" + rule.account_id + ":security-group-rule/" + rule.id.str();
    out.group_id = rule.group_id.str();
    out.group_owner_id = rule.account_id;
    out.is_egress = rule.is_egress;
    out.ip_protocol = rule.protocol;
    out.from_port = rule.from_port;
    out.to_port = rule.to_port;
    if (!rule.cidr.empty()) (is_ipv6_text(rule.cidr) ? out.cidr_ipv6 : out.cidr_ipv4) = rule.cidr;
    out.prefix_list_id = unless_empty(rule.prefix_list_id);
    if (!rule.referenced_group_id.empty()) {
        auto pair = shown_reference(record);
        out.referenced_group_info = ec2::ReferencedSecurityGroup{
            pair.group_id, pair.peering_status, pair.user_id, pair.vpc_id, pair.vpc_peering_connection_id};
    }
    out.description = unless_empty(rule.description);
    out.tags = to_ec2(record.tags);
    return out;
}

ec2::UserIdGroupPair shown_reference(const RuleRecord& record) {
    const auto& rule = record.value;
    ec2::UserIdGroupPair out;
    out.description = unless_empty(rule.description);
    out.group_id = rule.referenced_group_id;
    out.user_id = rule.referenced_account_id;
    out.vpc_id = unless_empty(rule.referenced_vpc_id);
    out.peering_status = unless_empty(record.peering_status);
    out.vpc_peering_connection_id = unless_empty(record.peering_id);
    return out;
}

bool shows_ports(std::string_view protocol) {
    return protocol == "tcp" || protocol == "udp" || is_icmp(protocol);
}

std::vector<ec2::IpPermission> grouped(const std::vector<RuleRecord>& rules, bool is_egress) {
    std::map<std::tuple<std::string, std::int64_t, std::int64_t>, ec2::IpPermission> permissions;
    for (const auto& record : rules) {
        const auto& rule = record.value;
        if (rule.is_egress != is_egress) continue;
        auto& permission = permissions[{rule.protocol, rule.from_port, rule.to_port}];
        permission.ip_protocol = rule.protocol;
        if (shows_ports(rule.protocol)) {
            permission.from_port = rule.from_port;
            permission.to_port = rule.to_port;
        }
        add_source(permission, record);
    }
    std::vector<ec2::IpPermission> out;
    for (auto& [key, permission] : permissions) out.push_back(std::move(permission));
    return out;
}

}  // namespace lodge::api
