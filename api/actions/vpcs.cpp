// CreateVpc, CreateDefaultVpc, DeleteVpc, DescribeVpcs, their attributes and CIDRs.
#include "db/store/vpcs.h"

#include <algorithm>

#include "api/actions/group_rules.h"
#include "api/actions/instance_view.h"
#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "db/store/egress_only_internet_gateways.h"
#include "db/store/former_ipv6_cidrs.h"
#include "db/store/internet_gateways.h"
#include "db/store/nat_gateways.h"
#include "db/store/network_acls.h"
#include "db/store/network_interfaces.h"
#include "db/store/route_tables.h"
#include "db/store/security_groups.h"
#include "db/store/subnets.h"
#include "db/store/vpc_peerings.h"
#include "proto/ec2/vpcs.h"
#include "scheduler/network/addresses.h"
#include "scheduler/network/peerings.h"

namespace lodge::api {
namespace {

using describe::Values;

constexpr std::size_t max_cidrs = 5;  // of each family
constexpr int largest_prefix = 16;
constexpr int smallest_prefix = 28;
constexpr int ipv6_prefix = 56;

struct VpcRecord {
    Vpc value;
    std::vector<Tag> tags;
    std::vector<ec2::VpcCidrBlockAssociation> cidrs;
    std::vector<ec2::VpcIpv6CidrBlockAssociation> ipv6;  // what it gave up comes last
};

ec2::VpcCidrBlockAssociation shown(const VpcCidr& cidr, std::string_view state) {
    return {cidr.id.str(), cidr.cidr, ec2::CidrBlockState{std::string(state)}};
}

ec2::VpcIpv6CidrBlockAssociation shown_ipv6(const std::string& id, const std::string& cidr,
                                            const std::string& region, std::string_view state) {
    return {id, cidr, ec2::CidrBlockState{std::string(state)}, region, "Amazon"};
}

VpcRecord load(db::Session& session, Vpc vpc) {
    VpcRecord record;
    record.tags = db::tags::of(session, vpc.account_id, vpc.id.str());
    for (const auto& cidr : db::vpcs::cidrs_of(session, vpc.id)) {
        if (cidr.is_ipv6) {
            record.ipv6.push_back(shown_ipv6(cidr.id.str(), cidr.cidr, vpc.region, "associated"));
        } else {
            record.cidrs.push_back(shown(cidr, "associated"));
        }
    }
    if (auto former = db::former_ipv6_cidrs::of(session, vpc.id.str()))
        record.ipv6.push_back(shown_ipv6(former->association_id, former->cidr, vpc.region, "disassociated"));
    record.value = std::move(vpc);
    return record;
}

// Over one member of each of the VPC's associations.
template <class A, class F>
describe::FilterField<VpcRecord> of_each(std::string_view name, std::vector<A> VpcRecord::*associations,
                                         F value) {
    return {name, [associations, value](const VpcRecord& record, Values& out) {
                for (const auto& each : record.*associations) out.push_back(*value(each));
            }};
}

const describe::FilterTable<VpcRecord>& vpc_filters() {
    auto id = [](const auto& a) { return a.association_id; };
    auto is_default = [](const VpcRecord& r) { return word(r.value.is_default); };
    static const describe::FilterTable<VpcRecord> table = {
        filter<VpcRecord>("cidr", [](const auto& r) { return r.value.cidr; }),
        filter<VpcRecord>("cidr-block", [](const auto& r) { return r.value.cidr; }),
        of_each("cidr-block-association.association-id", &VpcRecord::cidrs, id),
        of_each("cidr-block-association.cidr-block", &VpcRecord::cidrs,
                [](const auto& a) { return a.cidr_block; }),
        of_each("cidr-block-association.state", &VpcRecord::cidrs,
                [](const auto& a) { return a.cidr_block_state->state; }),
        filter<VpcRecord>("dhcp-options-id", [](const auto& r) { return r.value.dhcp_options_id; }),
        of_each("ipv6-cidr-block-association.association-id", &VpcRecord::ipv6, id),
        of_each("ipv6-cidr-block-association.ipv6-cidr-block", &VpcRecord::ipv6,
                [](const auto& a) { return a.ipv6_cidr_block; }),
        of_each("ipv6-cidr-block-association.ipv6-pool", &VpcRecord::ipv6,
                [](const auto& a) { return a.ipv6_pool; }),
        of_each("ipv6-cidr-block-association.state", &VpcRecord::ipv6,
                [](const auto& a) { return a.ipv6_cidr_block_state->state; }),
        filter<VpcRecord>("is-default", is_default),
        filter<VpcRecord>("isDefault", is_default),
        filter<VpcRecord>("owner-id", [](const auto& r) { return r.value.account_id; }),
        filter<VpcRecord>("state", [](const auto&) { return "available"; }),
        filter<VpcRecord>("vpc-id", [](const auto& r) { return r.value.id.str(); }),
    };
    return table;
}

ec2::Vpc shown(const VpcRecord& record) {
    const auto& vpc = record.value;
    ec2::Vpc out;
    out.vpc_id = vpc.id.str();
    out.owner_id = vpc.account_id;
    out.state = "available";
    out.cidr_block = vpc.cidr;
    out.cidr_block_associations = record.cidrs;
    out.ipv6_cidr_block_associations = record.ipv6;
    out.dhcp_options_id = vpc.dhcp_options_id.empty() ? "default" : vpc.dhcp_options_id;
    out.tags = to_ec2(record.tags);
    out.instance_tenancy = vpc.instance_tenancy;
    out.is_default = vpc.is_default;
    return out;
}

ec2::VpcCidrBlockChange change_of(const Vpc& vpc, const VpcCidr& cidr, std::string_view state) {
    ec2::VpcCidrBlockChange out;
    out.vpc_id = vpc.id.str();
    if (cidr.is_ipv6) {
        out.ipv6_cidr_block_association = shown_ipv6(cidr.id.str(), cidr.cidr, vpc.region, state);
    } else {
        out.cidr_block_association = shown(cidr, state);
    }
    return out;
}

// Source: Amazon VPC User Guide, "VPC CIDR blocks": /16 to /28; ranges that no VPC can use are refused.
Result<Cidr> parse_vpc_cidr(const std::string& text) {
    LODGE_TRY(auto cidr, parse_cidr(text, "cidrBlock"));
    if (cidr.is_ipv6() || cidr.prefix() < largest_prefix || cidr.prefix() > smallest_prefix)
        return fail(ErrorCode::invalid_vpc_range, text);
    for (auto reserved : {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"})
        if (cidr.overlaps(*Cidr::parse(reserved))) return fail(ErrorCode::invalid_vpc_range, text);
    return cidr;
}

// The first block of the operator's IPv6 range that no VPC has; the range's own first one is the provider's.
Result<Cidr> free_ipv6_block(db::Session& session, const RequestContext& context) {
    const auto& pool = context.services.settings.ipv6_pool;
    auto taken = db::vpcs::ipv6_cidrs(session);
    auto is_taken = [&](const Cidr& block) {
        return std::any_of(taken.begin(), taken.end(),
                           [&](const VpcCidr& other) { return other.cidr == block.str(); });
    };
    auto next = [](const Cidr& block) {
        return *Cidr::around(block.network().plus(block.size()), ipv6_prefix);
    };
    for (auto block = next(*Cidr::around(pool.network(), ipv6_prefix)); pool.contains(block);
         block = next(block))
        if (!is_taken(block)) return block;
    return fail(ErrorCode::insufficient_cidr_blocks, "There is no free IPv6 CIDR block.");
}

VpcCidr add_cidr(db::Session& session, const RequestContext& context, const Vpc& vpc, const Cidr& cidr) {
    VpcCidr added{VpcCidrId::make(context.services.random),
                  vpc.id,
                  cidr.str(),
                  cidr.is_ipv6(),
                  false,
                  context.now_ms()};
    db::vpcs::insert_cidr(session, added);
    network_changed(session, context, vpc.id);
    wake_hosts_in(session, context, vpc.id);
    return added;
}

// From its first IPv6 block on, a VPC's default rules let IPv6 through as they do IPv4.
void open_defaults_to_ipv6(db::Session& session, const RequestContext& context, const Vpc& vpc) {
    for (const auto& acl : db::network_acls::of_vpc(session, vpc.id)) {
        if (!acl.is_default) continue;
        auto entries = db::network_acls::entries_of(session, acl.id);
        for (bool is_egress : {false, true}) {
            NetworkAclEntry entry;
            entry.network_acl_id = acl.id;
            entry.is_egress = is_egress;
            entry.rule_number = 101;
            entry.protocol = "-1";
            entry.allow = true;
            entry.cidr = "::/0";
            bool taken = std::any_of(entries.begin(), entries.end(), [&](const NetworkAclEntry& e) {
                return e.is_egress == is_egress && e.rule_number == entry.rule_number;
            });
            if (!taken) db::network_acls::insert_entry(session, entry);
        }
    }
    if (auto group = db::security_groups::find_by_name(session, vpc.id, "default")) {
        SecurityGroupRule out;
        out.id = SecurityGroupRuleId::make(context.services.random);
        out.account_id = vpc.account_id;
        out.region = vpc.region;
        out.group_id = group->id;
        out.is_egress = true;
        out.protocol = "-1";
        out.cidr = "::/0";
        auto rules = db::security_groups::rules_of(session, group->id);
        bool there = std::any_of(rules.begin(), rules.end(), [&](const SecurityGroupRule& rule) {
            return rule.is_egress && rule.protocol == "-1" && rule.cidr == out.cidr;
        });
        if (!there) db::security_groups::insert_rule(session, out);
    }
}

Result<VpcCidr> add_ipv6_block(db::Session& session, const RequestContext& context, const Vpc& vpc) {
    LODGE_TRY(auto block, free_ipv6_block(session, context));
    auto added = add_cidr(session, context, vpc, block);
    open_defaults_to_ipv6(session, context, vpc);
    return added;
}

// A new IPv4 block may overlap neither the VPC's own nor those of the VPCs it is a peer of, nor take in what
// a route leads elsewhere.
Status check_free_for(db::Session& session, const Vpc& vpc, const Cidr& wanted,
                      const std::vector<VpcCidr>& own) {
    auto overlaps = [&](const VpcCidr& other) {
        auto cidr = Cidr::parse(other.cidr);
        return cidr && cidr->overlaps(wanted);
    };
    if (std::any_of(own.begin(), own.end(), overlaps)) return fail(ErrorCode::cidr_conflict, wanted.str());
    for (const auto& peering : db::vpc_peerings::of_vpc(session, vpc.id)) {
        if (peering.status != PeeringStatus::active) continue;
        const auto& peer =
            peering.requester.vpc_id == vpc.id ? peering.accepter.vpc_id : peering.requester.vpc_id;
        auto theirs = db::vpcs::cidrs_of(session, peer);
        if (std::any_of(theirs.begin(), theirs.end(), overlaps))
            return fail(ErrorCode::cidr_conflict, wanted.str());
    }
    for (const auto& table : db::route_tables::of_vpc(session, vpc.id))
        for (const auto& route : db::route_tables::routes_of(session, table.id))
            if (auto led = Cidr::parse(route.destination); led && wanted.contains(*led))
                return fail(ErrorCode::cidr_conflict, wanted.str());
    return {};
}

Result<VpcCidr> associate(db::Session& session, const RequestContext& context, const Vpc& vpc,
                          const ec2::AssociateVpcCidrBlockRequest& request) {
    auto own = db::vpcs::cidrs_of(session, vpc.id);
    bool is_ipv6 = !request.cidr_block;
    auto of_family =
        std::count_if(own.begin(), own.end(), [&](const VpcCidr& c) { return c.is_ipv6 == is_ipv6; });
    if (static_cast<std::size_t>(of_family) >= max_cidrs)
        return fail(ErrorCode::cidr_limit_exceeded, vpc.id.str(), std::to_string(max_cidrs));
    if (is_ipv6) return add_ipv6_block(session, context, vpc);
    LODGE_TRY(auto cidr, parse_vpc_cidr(*request.cidr_block));
    LODGE_CHECK(check_free_for(session, vpc, cidr, own));
    return add_cidr(session, context, vpc, cidr);
}

// A block goes only when no subnet lies in it.
Status check_unused(db::Session& session, const VpcCidr& block) {
    auto whole = Cidr::parse(block.cidr);
    auto in_use = [&](const std::string& text) {
        auto cidr = Cidr::parse(text);
        return cidr && whole && whole->contains(*cidr);
    };
    for (const auto& subnet : db::subnets::of_vpc(session, block.vpc_id)) {
        bool used = in_use(subnet.cidr);
        for (const auto& ipv6 : db::subnets::ipv6_cidrs_of(session, subnet.id))
            used = used || in_use(ipv6.cidr);
        if (used)
            return fail(ErrorCode::dependency_violation, "The CIDR block " + block.cidr +
                                                             " is used by the subnet " + subnet.id.str() +
                                                             " and cannot be disassociated.");
    }
    return {};
}

// The first thing that keeps a VPC from being deleted.
std::optional<std::string> dependency(db::Session& session, const VpcId& id) {
    for (const auto& each : db::subnets::of_vpc(session, id)) return each.id.str();
    for (const auto& each : db::network_interfaces::of_vpc(session, id)) return each.id.str();
    if (auto gateway = db::internet_gateways::of_vpc(session, id.str())) return gateway->id.str();
    for (const auto& each : db::egress_only_internet_gateways::of_vpc(session, id)) return each.id.str();
    for (const auto& each : db::nat_gateways::of_vpc(session, id))
        if (each.state != NatGatewayState::deleted && each.state != NatGatewayState::failed)
            return each.id.str();
    auto main = db::route_tables::association_of(session, id, "");
    for (const auto& each : db::route_tables::of_vpc(session, id))
        if (!main || each.id != main->route_table_id) return each.id.str();
    for (const auto& each : db::network_acls::of_vpc(session, id))
        if (!each.is_default) return each.id.str();
    for (const auto& each : db::security_groups::of_vpc(session, id))
        if (each.name != "default") return each.id.str();
    for (const auto& each : db::vpc_peerings::of_vpc(session, id))
        if (each.status == PeeringStatus::active) return each.id.str();
    return std::nullopt;
}

// Rules of peers' groups that name a group which goes: they are stale from now on, and stay.
void erase_with_parts(db::Session& session, const Vpc& vpc) {
    for (const auto& group : db::security_groups::of_vpc(session, vpc.id))
        erase_with_rules(session, group.id);
    for (const auto& table : db::route_tables::of_vpc(session, vpc.id)) {
        for (const auto& association : db::route_tables::associations_of(session, table.id))
            db::route_tables::erase_association(session, association.id);
        db::route_tables::erase_routes(session, table.id);
        db::route_tables::erase(session, table.id);
        db::tags::erase_all(session, table.id.str());
    }
    for (const auto& acl : db::network_acls::of_vpc(session, vpc.id)) {
        db::network_acls::erase_entries(session, acl.id);
        db::network_acls::erase(session, acl.id);
        db::tags::erase_all(session, acl.id.str());
    }
    db::vpcs::erase_cidrs(session, vpc.id);
    db::former_ipv6_cidrs::erase(session, vpc.id.str());
    db::vpcs::erase(session, vpc.id);
    db::tags::erase_all(session, vpc.id.str());
}

}  // namespace

Result<ec2::CreateVpcResponse> create_vpc(RequestContext& context, const ec2::CreateVpcRequest& request) {
    if (!request.cidr_block) return fail(ErrorCode::missing_parameter, "CidrBlock");
    LODGE_TRY(auto cidr, parse_vpc_cidr(*request.cidr_block));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "vpc", {"vpc"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateVpcResponse> {
        auto vpc = network::make_vpc(session, owner_of(context), cidr, false);
        vpc.instance_tenancy = request.instance_tenancy.value_or("default");
        db::vpcs::update(session, vpc);
        if (request.amazon_provided_ipv6_cidr_block.value_or(false))
            LODGE_CHECK(add_ipv6_block(session, context, vpc));
        put_tags(session, context, vpc.id.str(), "vpc", tags);
        network_changed(session, context, vpc.id);
        return ec2::CreateVpcResponse{shown(load(session, std::move(vpc)))};
    });
}

// Instances that are there keep their tenancy.
Result<ec2::ModifyVpcTenancyResponse> modify_vpc_tenancy(RequestContext& context,
                                                         const ec2::ModifyVpcTenancyRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::ModifyVpcTenancyResponse> {
        LODGE_TRY(auto vpc, find_vpc(session, context, request.vpc_id));
        vpc.instance_tenancy = request.instance_tenancy;
        db::vpcs::update(session, vpc);
        return ec2::ModifyVpcTenancyResponse{true};
    });
}

Result<ec2::CreateDefaultVpcResponse> create_default_vpc(RequestContext& context,
                                                         const ec2::CreateDefaultVpcRequest&) {
    return context.write([&](db::Session& session) -> Result<ec2::CreateDefaultVpcResponse> {
        if (db::vpcs::find_default(session, context.account_id, context.region))
            return fail(ErrorCode::default_vpc_already_exists);
        auto vpc = network::make_default_vpc(session, owner_of(context),
                                             context.services.settings.zones_of(context.region));
        if (!network::equip_gateways(session, context.services.settings.public_pool, context.services.random))
            return fail(ErrorCode::insufficient_address_capacity);
        network_changed(session, context, vpc.id);
        return ec2::CreateDefaultVpcResponse{shown(load(session, std::move(vpc)))};
    });
}

Result<ec2::DeleteVpcResponse> delete_vpc(RequestContext& context, const ec2::DeleteVpcRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteVpcResponse> {
        LODGE_TRY(auto vpc, find_vpc(session, context, request.vpc_id));
        if (auto other = dependency(session, vpc.id))
            return fail(ErrorCode::dependency_violation,
                        "The vpc '" + vpc.id.str() + "' has dependencies and cannot be deleted: " + *other);
        network_changed(session, context, vpc.id);
        network::end_requests_of(session, vpc.id, context.now_ms());
        erase_with_parts(session, vpc);
        return ec2::DeleteVpcResponse{};
    });
}

Result<ec2::DescribeVpcsResponse> describe_vpcs(RequestContext& context,
                                                const ec2::DescribeVpcsRequest& request) {
    auto resource = resource_of<VpcId, Vpc, VpcRecord>(context, ErrorCode::invalid_vpc_id_malformed,
                                                       ErrorCode::invalid_vpc_id_not_found, vpc_filters(),
                                                       db::vpcs::find, db::vpcs::list, load);
    LODGE_TRY(
        auto page,
        describe::describe<VpcRecord>(
            context, {request.vpc_id, request.filter, request.max_results, request.next_token}, resource));
    ec2::DescribeVpcsResponse response;
    for (const auto& record : page.records) response.vpcs.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::DescribeVpcAttributeResponse> describe_vpc_attribute(
    RequestContext& context, const ec2::DescribeVpcAttributeRequest& request) {
    return context.read([&](db::Session& session) -> Result<ec2::DescribeVpcAttributeResponse> {
        LODGE_TRY(auto vpc, find_vpc(session, context, request.vpc_id));
        ec2::DescribeVpcAttributeResponse out;
        out.vpc_id = vpc.id.str();
        if (request.attribute == "enableDnsSupport") {
            out.enable_dns_support = ec2::AttributeBooleanValue{vpc.dns_support};
        } else if (request.attribute == "enableDnsHostnames") {
            out.enable_dns_hostnames = ec2::AttributeBooleanValue{vpc.dns_hostnames};
        } else {
            out.enable_network_address_usage_metrics =
                ec2::AttributeBooleanValue{vpc.network_address_usage_metrics};
        }
        return out;
    });
}

Result<ec2::ModifyVpcAttributeResponse> modify_vpc_attribute(RequestContext& context,
                                                             const ec2::ModifyVpcAttributeRequest& request) {
    int given = request.enable_dns_hostnames.has_value() + request.enable_dns_support.has_value() +
                request.enable_network_address_usage_metrics.has_value();
    if (given != 1)
        return fail(ErrorCode::invalid_parameter_combination,
                    "Exactly one attribute can be modified at a time.");
    return context.write([&](db::Session& session) -> Result<ec2::ModifyVpcAttributeResponse> {
        LODGE_TRY(auto vpc, find_vpc(session, context, request.vpc_id));
        if (request.enable_dns_hostnames) vpc.dns_hostnames = request.enable_dns_hostnames->value;
        if (request.enable_dns_support) vpc.dns_support = request.enable_dns_support->value;
        if (request.enable_network_address_usage_metrics)
            vpc.network_address_usage_metrics = request.enable_network_address_usage_metrics->value;
        db::vpcs::update(session, vpc);
        network_changed(session, context, vpc.id);
        return ec2::ModifyVpcAttributeResponse{};
    });
}

Result<ec2::AssociateVpcCidrBlockResponse> associate_vpc_cidr_block(
    RequestContext& context, const ec2::AssociateVpcCidrBlockRequest& request) {
    if (request.cidr_block.has_value() == request.amazon_provided_ipv6_cidr_block.value_or(false))
        return fail(ErrorCode::invalid_parameter_combination,
                    "Exactly one of CidrBlock and AmazonProvidedIpv6CidrBlock is needed.");
    return context.write([&](db::Session& session) -> Result<ec2::AssociateVpcCidrBlockResponse> {
        LODGE_TRY(auto vpc, find_vpc(session, context, request.vpc_id));
        LODGE_TRY(auto added, associate(session, context, vpc, request));
        return change_of(vpc, added, "associating");
    });
}

Result<ec2::DisassociateVpcCidrBlockResponse> disassociate_vpc_cidr_block(
    RequestContext& context, const ec2::DisassociateVpcCidrBlockRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DisassociateVpcCidrBlockResponse> {
        auto block = db::vpcs::find_cidr(session, request.association_id);
        auto vpc = block ? db::vpcs::find(session, context.account_id, context.region, block->vpc_id.str())
                         : std::nullopt;
        if (!vpc) return fail(ErrorCode::invalid_vpc_cidr_association_not_found, request.association_id);
        if (block->is_primary)
            return fail(ErrorCode::operation_not_permitted,
                        "The vpc CIDR block with association ID " + block->id.str() +
                            " may not be disassociated. It is the primary IPv4 CIDR block of the VPC");
        LODGE_CHECK(check_unused(session, *block));
        db::vpcs::erase_cidr(session, block->id);
        if (block->is_ipv6)
            db::former_ipv6_cidrs::put(session, {vpc->id.str(), block->id.str(), block->cidr});
        network_changed(session, context, vpc->id);
        wake_hosts_in(session, context, vpc->id);
        return change_of(*vpc, *block, "disassociating");
    });
}

}  // namespace lodge::api
