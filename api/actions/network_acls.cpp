// Network ACLs: their life, entries and associations.
#include "db/store/network_acls.h"

#include <algorithm>

#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "db/store/subnets.h"
#include "db/store/vpcs.h"
#include "proto/base/cidrs.h"
#include "proto/base/number.h"
#include "proto/ec2/network_acls.h"

namespace lodge::api {
namespace {

using describe::Values;

constexpr std::int64_t highest_port = 65'535;
constexpr std::int64_t highest_icmp = 255;
// Source: Amazon VPC User Guide, "Amazon VPC quotas": 20 a direction and family, the last of them EC2's own.
constexpr std::int64_t max_entries = 19;
constexpr std::int64_t last_rule = 32'767;  // for IPv6 one more

struct AclRecord {
    NetworkAcl value;
    std::vector<Tag> tags;
    std::vector<NetworkAclEntry> entries;  // egress first, as EC2 lists them, with those that deny the rest
    std::vector<NetworkAclAssociation> associations;
};

bool is_ipv6(const NetworkAclEntry& entry) {
    return is_ipv6_text(entry.cidr);
}

NetworkAclEntry deny_rest(const NetworkAcl& acl, bool is_egress, bool ipv6) {
    NetworkAclEntry entry;
    entry.network_acl_id = acl.id;
    entry.is_egress = is_egress;
    entry.rule_number = ipv6 ? last_rule + 1 : last_rule;
    entry.protocol = "-1";
    entry.cidr = ipv6 ? "::/0" : "0.0.0.0/0";
    return entry;
}

AclRecord load(db::Session& session, NetworkAcl acl) {
    AclRecord record;
    record.tags = db::tags::of(session, acl.account_id, acl.id.str());
    record.associations = db::network_acls::associations_of(session, acl.id);
    auto cidrs = db::vpcs::cidrs_of(session, acl.vpc_id);
    bool has_ipv6 = std::any_of(cidrs.begin(), cidrs.end(), [](const VpcCidr& c) { return c.is_ipv6; });
    auto entries = db::network_acls::entries_of(session, acl.id);
    for (bool is_egress : {true, false}) {
        std::copy_if(entries.begin(), entries.end(), std::back_inserter(record.entries),
                     [&](const NetworkAclEntry& entry) { return entry.is_egress == is_egress; });
        record.entries.push_back(deny_rest(acl, is_egress, false));
        if (has_ipv6) record.entries.push_back(deny_rest(acl, is_egress, true));
    }
    record.value = std::move(acl);
    return record;
}

// A filter on a list's parts; empty values are not there.
template <class Part, class F>
describe::FilterField<AclRecord> of_each(std::string_view name, std::vector<Part> AclRecord::*parts,
                                         F value) {
    return {name, [parts, value](const AclRecord& record, Values& out) {
                for (const auto& part : record.*parts)
                    if (std::string text = value(part); !text.empty()) out.push_back(std::move(text));
            }};
}

// IANA's number and, as the filter's reference has it, the name.
void add_protocol(const NetworkAclEntry& entry, Values& out) {
    out.push_back(entry.protocol);
    if (entry.protocol == "1") out.emplace_back("icmp");
    if (entry.protocol == "6") out.emplace_back("tcp");
    if (entry.protocol == "17") out.emplace_back("udp");
}

bool has_icmp(const NetworkAclEntry& entry) {
    return entry.protocol == "1" || (entry.protocol == "58" && is_ipv6(entry));
}

bool has_ports(const NetworkAclEntry& entry) {
    return entry.protocol == "6" || entry.protocol == "17";
}

std::string text_if(bool there, std::int64_t value) {
    return there ? std::to_string(value) : "";
}

const describe::FilterTable<AclRecord>& acl_filters() {
    using Entry = const NetworkAclEntry&;
    using Association = const NetworkAclAssociation&;
    auto associations = &AclRecord::associations;
    auto entries = &AclRecord::entries;
    auto egress = [](Entry e) { return word(e.is_egress); };
    static const describe::FilterTable<AclRecord> table = {
        of_each("association.association-id", associations, [](Association a) { return a.id.str(); }),
        of_each("association.network-acl-id", associations,
                [](Association a) { return a.network_acl_id.str(); }),
        of_each("association.subnet-id", associations, [](Association a) { return a.subnet_id.str(); }),
        filter<AclRecord>("default", [](const auto& r) { return word(r.value.is_default); }),
        of_each("entry.cidr", entries, [](Entry e) { return is_ipv6(e) ? "" : e.cidr; }),
        of_each("entry.egress", entries, egress),
        of_each("entry.icmp.code", entries, [](Entry e) { return text_if(has_icmp(e), e.icmp_code); }),
        of_each("entry.icmp.type", entries, [](Entry e) { return text_if(has_icmp(e), e.icmp_type); }),
        of_each("entry.ipv6-cidr", entries, [](Entry e) { return is_ipv6(e) ? e.cidr : ""; }),
        of_each("entry.port-range.from", entries, [](Entry e) { return text_if(has_ports(e), e.from_port); }),
        of_each("entry.port-range.to", entries, [](Entry e) { return text_if(has_ports(e), e.to_port); }),
        {"entry.protocol",
         [](const AclRecord& record, Values& out) {
             for (const auto& entry : record.entries) add_protocol(entry, out);
         }},
        of_each("entry.rule-action", entries, [](Entry e) { return e.allow ? "allow" : "deny"; }),
        of_each("entry.rule-number", entries, [](Entry e) { return std::to_string(e.rule_number); }),
        filter<AclRecord>("network-acl-id", [](const auto& r) { return r.value.id.str(); }),
        filter<AclRecord>("owner-id", [](const auto& r) { return r.value.account_id; }),
        filter<AclRecord>("vpc-id", [](const auto& r) { return r.value.vpc_id.str(); }),
    };
    return table;
}

ec2::NetworkAclEntry shown(const NetworkAclEntry& entry) {
    ec2::NetworkAclEntry out;
    out.rule_number = entry.rule_number;
    out.protocol = entry.protocol;
    out.rule_action = entry.allow ? "allow" : "deny";
    out.egress = entry.is_egress;
    (is_ipv6(entry) ? out.ipv6_cidr_block : out.cidr_block) = entry.cidr;
    if (has_icmp(entry)) out.icmp_type_code = ec2::IcmpTypeCode{entry.icmp_code, entry.icmp_type};
    if (has_ports(entry)) out.port_range = ec2::PortRange{entry.from_port, entry.to_port};
    return out;
}

ec2::NetworkAcl shown(const AclRecord& record) {
    ec2::NetworkAcl out;
    out.network_acl_id = record.value.id.str();
    out.vpc_id = record.value.vpc_id.str();
    out.owner_id = record.value.account_id;
    out.is_default = record.value.is_default;
    for (const auto& entry : record.entries) out.entries.push_back(shown(entry));
    for (const auto& each : record.associations)
        out.associations.push_back({each.id.str(), each.network_acl_id.str(), each.subnet_id.str()});
    out.tags = to_ec2(record.tags);
    return out;
}

Result<NetworkAcl> find_acl(db::Session& session, const RequestContext& context, const std::string& id) {
    return find_or_fail<NetworkAclId>(session, context, id, db::network_acls::find,
                                      ErrorCode::invalid_network_acl_id_malformed,
                                      ErrorCode::invalid_network_acl_id_not_found);
}

Result<std::string> parse_protocol(const std::string& text) {
    for (auto [name, digits] : {std::pair{"tcp", "6"}, {"udp", "17"}, {"icmp", "1"}, {"icmpv6", "58"}})
        if (text == name) return std::string(digits);
    const auto number = parse_number<int>(text);
    if (!number || *number < -1 || *number > 255)
        return fail(ErrorCode::invalid_parameter_value,
                    "Value (" + text + ") for parameter protocol is invalid. Unknown protocol.");
    return std::to_string(*number);
}

Status take_ports(NetworkAclEntry& entry, const std::optional<ec2::PortRange>& range) {
    if (!range || !range->from || !range->to) return fail(ErrorCode::missing_parameter, "portRange");
    if (*range->from < 0 || *range->to > highest_port || *range->from > *range->to)
        return fail(ErrorCode::invalid_parameter_value, "Invalid TCP/UDP port range (" +
                                                            std::to_string(*range->from) + ":" +
                                                            std::to_string(*range->to) + ")");
    entry.from_port = *range->from;
    entry.to_port = *range->to;
    return {};
}

Status take_icmp(NetworkAclEntry& entry, const std::optional<ec2::IcmpTypeCode>& icmp) {
    if (!icmp || !icmp->type || !icmp->code) return fail(ErrorCode::missing_parameter, "icmpTypeCode");
    auto fits = [](std::int64_t value) { return value >= -1 && value <= highest_icmp; };
    if (!fits(*icmp->type) || !fits(*icmp->code) || (*icmp->type == -1 && *icmp->code != -1))
        return fail(ErrorCode::invalid_parameter_value, "Invalid ICMP type and code (" +
                                                            std::to_string(*icmp->type) + ":" +
                                                            std::to_string(*icmp->code) + ")");
    entry.icmp_type = *icmp->type;
    entry.icmp_code = *icmp->code;
    return {};
}

// Source: EC2 reference, "CreateNetworkAclEntry": protocols without ports, and ICMPv6 over IPv4, let
// everything through, whatever ports or types the request names.
template <class R>
Result<NetworkAclEntry> entry_of(const R& request) {
    if (!request.cidr_block && !request.ipv6_cidr_block)
        return fail(ErrorCode::missing_parameter, "cidrBlock");
    if (request.cidr_block && request.ipv6_cidr_block)
        return fail(ErrorCode::invalid_parameter_combination,
                    "Only one of cidrBlock and ipv6CidrBlock can be specified.");
    NetworkAclEntry entry;
    entry.is_egress = request.egress;
    entry.rule_number = request.rule_number;
    entry.allow = request.rule_action == "allow";
    LODGE_TRY(entry.protocol, parse_protocol(request.protocol));
    const auto& text = request.cidr_block ? *request.cidr_block : *request.ipv6_cidr_block;
    LODGE_TRY(auto cidr, parse_cidr(text, request.cidr_block ? "cidrBlock" : "ipv6CidrBlock"));
    if (cidr.is_ipv6() != request.ipv6_cidr_block.has_value())
        return fail(ErrorCode::invalid_parameter_value,
                    "The CIDR block " + text + " is of the other family.");
    entry.cidr = cidr.str();
    if (has_ports(entry)) LODGE_CHECK(take_ports(entry, request.port_range));
    if (has_icmp(entry)) LODGE_CHECK(take_icmp(entry, request.icmp));
    return entry;
}

std::string in_words(const NetworkAclEntry& entry) {
    return std::to_string(entry.rule_number) + (entry.is_egress ? " (egress)" : " (ingress)");
}

std::optional<NetworkAclEntry> find_entry(db::Session& session, const NetworkAcl& acl, bool is_egress,
                                          std::int64_t rule_number) {
    for (const auto& entry : db::network_acls::entries_of(session, acl.id))
        if (entry.is_egress == is_egress && entry.rule_number == rule_number) return entry;
    return std::nullopt;
}

Status check_entry_count(db::Session& session, const NetworkAcl& acl, const NetworkAclEntry& added) {
    auto entries = db::network_acls::entries_of(session, acl.id);
    auto count = std::count_if(entries.begin(), entries.end(), [&](const NetworkAclEntry& entry) {
        return entry.is_egress == added.is_egress && is_ipv6(entry) == is_ipv6(added);
    });
    if (count <= max_entries) return {};
    return fail(ErrorCode::network_acl_entry_limit_exceeded,
                "The network ACL " + acl.id.str() + " has its maximum number of entries already.");
}

}  // namespace

Result<ec2::CreateNetworkAclResponse> create_network_acl(RequestContext& context,
                                                         const ec2::CreateNetworkAclRequest& request) {
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "network-acl", {"network-acl"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateNetworkAclResponse> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        if (earlier) {
            LODGE_TRY(auto acl, find_acl(session, context, *earlier));
            return ec2::CreateNetworkAclResponse{shown(load(session, std::move(acl))), request.client_token};
        }
        LODGE_TRY(auto vpc, find_vpc(session, context, request.vpc_id));
        NetworkAcl acl{NetworkAclId::make(context.services.random),
                       context.account_id,
                       context.region,
                       vpc.id,
                       false,
                       context.now_ms()};
        db::network_acls::insert(session, acl);
        put_tags(session, context, acl.id.str(), "network-acl", tags);
        remember(session, context, request.client_token, acl.id.str());
        return ec2::CreateNetworkAclResponse{shown(load(session, std::move(acl))), request.client_token};
    });
}

Result<ec2::DeleteNetworkAclResponse> delete_network_acl(RequestContext& context,
                                                         const ec2::DeleteNetworkAclRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteNetworkAclResponse> {
        LODGE_TRY(auto acl, find_acl(session, context, request.network_acl_id));
        const auto& id = acl.id.str();
        if (acl.is_default)
            return fail(ErrorCode::invalid_parameter_value, "cannot delete default network ACL " + id);
        if (!db::network_acls::associations_of(session, acl.id).empty())
            return fail(ErrorCode::dependency_violation,
                        "The networkAcl '" + id + "' has dependencies and cannot be deleted.");
        db::network_acls::erase_entries(session, acl.id);
        db::network_acls::erase(session, acl.id);
        db::tags::erase_all(session, id);
        return ec2::DeleteNetworkAclResponse{};
    });
}

Result<ec2::DescribeNetworkAclsResponse> describe_network_acls(
    RequestContext& context, const ec2::DescribeNetworkAclsRequest& request) {
    auto resource = resource_of<NetworkAclId, NetworkAcl, AclRecord>(
        context, ErrorCode::invalid_network_acl_id_malformed, ErrorCode::invalid_network_acl_id_not_found,
        acl_filters(), db::network_acls::find, db::network_acls::list, load);
    LODGE_TRY(auto page,
              describe::describe<AclRecord>(
                  context, {request.network_acl_id, request.filter, request.max_results, request.next_token},
                  resource));
    ec2::DescribeNetworkAclsResponse response;
    for (const auto& record : page.records) response.network_acls.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::CreateNetworkAclEntryResponse> create_network_acl_entry(
    RequestContext& context, const ec2::CreateNetworkAclEntryRequest& request) {
    LODGE_TRY(auto entry, entry_of(request));
    return context.write([&](db::Session& session) -> Result<ec2::CreateNetworkAclEntryResponse> {
        LODGE_TRY(auto acl, find_acl(session, context, request.network_acl_id));
        entry.network_acl_id = acl.id;
        if (find_entry(session, acl, entry.is_egress, entry.rule_number))
            return fail(ErrorCode::network_acl_entry_already_exists, in_words(entry));
        db::network_acls::insert_entry(session, entry);
        LODGE_CHECK(check_entry_count(session, acl, entry));
        network_changed(session, context, acl.vpc_id);
        return ec2::CreateNetworkAclEntryResponse{};
    });
}

Result<ec2::ReplaceNetworkAclEntryResponse> replace_network_acl_entry(
    RequestContext& context, const ec2::ReplaceNetworkAclEntryRequest& request) {
    LODGE_TRY(auto entry, entry_of(request));
    return context.write([&](db::Session& session) -> Result<ec2::ReplaceNetworkAclEntryResponse> {
        LODGE_TRY(auto acl, find_acl(session, context, request.network_acl_id));
        entry.network_acl_id = acl.id;
        if (!find_entry(session, acl, entry.is_egress, entry.rule_number))
            return fail(ErrorCode::invalid_network_acl_entry_not_found, in_words(entry));
        db::network_acls::update_entry(session, entry);
        LODGE_CHECK(check_entry_count(session, acl, entry));
        network_changed(session, context, acl.vpc_id);
        return ec2::ReplaceNetworkAclEntryResponse{};
    });
}

Result<ec2::DeleteNetworkAclEntryResponse> delete_network_acl_entry(
    RequestContext& context, const ec2::DeleteNetworkAclEntryRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteNetworkAclEntryResponse> {
        LODGE_TRY(auto acl, find_acl(session, context, request.network_acl_id));
        auto entry = find_entry(session, acl, request.egress, request.rule_number);
        if (!entry) {
            NetworkAclEntry wanted;
            wanted.is_egress = request.egress;
            wanted.rule_number = request.rule_number;
            return fail(ErrorCode::invalid_network_acl_entry_not_found, in_words(wanted));
        }
        db::network_acls::erase_entry(session, acl.id, entry->is_egress, entry->rule_number);
        network_changed(session, context, acl.vpc_id);
        return ec2::DeleteNetworkAclEntryResponse{};
    });
}

Result<ec2::ReplaceNetworkAclAssociationResponse> replace_network_acl_association(
    RequestContext& context, const ec2::ReplaceNetworkAclAssociationRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::ReplaceNetworkAclAssociationResponse> {
        LODGE_TRY(auto acl, find_acl(session, context, request.network_acl_id));
        auto old = db::network_acls::find_association(session, request.association_id);
        auto subnet =
            old ? db::subnets::find(session, context.account_id, context.region, old->subnet_id.str())
                : std::nullopt;
        if (!subnet) return fail(ErrorCode::invalid_association_id_not_found, request.association_id);
        if (subnet->vpc_id != acl.vpc_id)
            return fail(ErrorCode::invalid_parameter_value, "The network ACL " + acl.id.str() +
                                                                " and the subnet " + subnet->id.str() +
                                                                " belong to different networks.");
        db::network_acls::erase_association(session, old->id);
        auto id = NetworkAclAssociationId::make(context.services.random);
        db::network_acls::insert_association(session, {id, acl.id, subnet->id});
        network_changed(session, context, acl.vpc_id);
        return ec2::ReplaceNetworkAclAssociationResponse{id.str()};
    });
}

}  // namespace lodge::api
