// CreateSubnet, CreateDefaultSubnet, DeleteSubnet, DescribeSubnets, their attributes and IPv6 CIDRs.
#include "db/store/subnets.h"

#include <algorithm>

#include "api/actions/instance_view.h"
#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "db/store/former_ipv6_cidrs.h"
#include "db/store/network_acls.h"
#include "db/store/network_interfaces.h"
#include "db/store/route_tables.h"
#include "db/store/vpcs.h"
#include "proto/ec2/subnets.h"

namespace lodge::api {
namespace {

using describe::Values;

constexpr int largest_prefix = 16;
constexpr int smallest_prefix = 28;
constexpr int ipv6_prefix = 64;

struct SubnetRecord {
    Subnet value;
    std::vector<Tag> tags;
    std::vector<ec2::SubnetIpv6CidrBlockAssociation> ipv6;  // what it gave up comes last
    std::int64_t available = 0;

    std::string arn() const {
        return "arn:aws:ec2:" + value.region + ":" + value.account_id + ":subnet/" + value.id.str();
    }
};

ec2::SubnetIpv6CidrBlockAssociation shown(const SubnetIpv6Cidr& cidr, std::string_view state) {
    return {cidr.id.str(), cidr.cidr, ec2::CidrBlockState{std::string(state)}};
}

SubnetRecord load(db::Session& session, Subnet subnet) {
    SubnetRecord record;
    record.tags = db::tags::of(session, subnet.account_id, subnet.id.str());
    for (const auto& cidr : db::subnets::ipv6_cidrs_of(session, subnet.id))
        record.ipv6.push_back(shown(cidr, "associated"));
    if (auto former = db::former_ipv6_cidrs::of(session, subnet.id.str()))
        record.ipv6.push_back({former->association_id, former->cidr, ec2::CidrBlockState{"disassociated"}});
    if (auto cidr = Cidr::parse(subnet.cidr))
        record.available =
            network::usable_addresses(*cidr) - db::network_interfaces::count_ipv4_in(session, subnet.id);
    record.value = std::move(subnet);
    return record;
}

template <class F>
describe::FilterField<SubnetRecord> of_ipv6(std::string_view name, F value) {
    return {name, [value](const SubnetRecord& record, Values& out) {
                for (const auto& each : record.ipv6) out.push_back(*value(each));
            }};
}

// Of one request: zones' IDs are configuration.
describe::FilterTable<SubnetRecord> subnet_filters(const RequestContext& context) {
    auto zone = [](const SubnetRecord& r) { return r.value.zone; };
    auto id_of_zone = [&context](const SubnetRecord& r) { return zone_id(context, r.value.zone); };
    auto is_default = [](const SubnetRecord& r) { return word(r.value.default_for_az); };
    auto cidr = [](const SubnetRecord& r) { return r.value.cidr; };
    return {
        filter<SubnetRecord>("availability-zone", zone),
        filter<SubnetRecord>("availabilityZone", zone),
        filter<SubnetRecord>("availability-zone-id", id_of_zone),
        filter<SubnetRecord>("availabilityZoneId", id_of_zone),
        filter<SubnetRecord>("available-ip-address-count",
                             [](const auto& r) { return std::to_string(r.available); }),
        filter<SubnetRecord>("cidr-block", cidr),
        filter<SubnetRecord>("cidr", cidr),
        filter<SubnetRecord>("cidrBlock", cidr),
        filter<SubnetRecord>("default-for-az", is_default),
        filter<SubnetRecord>("defaultForAz", is_default),
        filter<SubnetRecord>("enable-dns64", [](const auto&) { return "false"; }),
        of_ipv6("ipv6-cidr-block-association.association-id", [](const auto& a) { return a.association_id; }),
        of_ipv6("ipv6-cidr-block-association.ipv6-cidr-block",
                [](const auto& a) { return a.ipv6_cidr_block; }),
        of_ipv6("ipv6-cidr-block-association.state",
                [](const auto& a) { return a.ipv6_cidr_block_state->state; }),
        filter<SubnetRecord>("ipv6-native", [](const auto&) { return "false"; }),
        filter<SubnetRecord>("map-public-ip-on-launch",
                             [](const auto& r) { return word(r.value.map_public_ip_on_launch); }),
        filter<SubnetRecord>("owner-id", [](const auto& r) { return r.value.account_id; }),
        filter<SubnetRecord>("private-dns-name-options-on-launch.hostname-type",
                             [](const auto& r) { return r.value.hostname_type; }),
        filter<SubnetRecord>("private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
                             [](const auto& r) { return word(r.value.resource_name_dns_a); }),
        filter<SubnetRecord>("private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
                             [](const auto& r) { return word(r.value.resource_name_dns_aaaa); }),
        filter<SubnetRecord>("state", [](const auto&) { return "available"; }),
        filter<SubnetRecord>("subnet-arn", [](const auto& r) { return r.arn(); }),
        filter<SubnetRecord>("subnet-id", [](const auto& r) { return r.value.id.str(); }),
        filter<SubnetRecord>("vpc-id", [](const auto& r) { return r.value.vpc_id.str(); }),
    };
}

ec2::Subnet shown(const RequestContext& context, const SubnetRecord& record) {
    const auto& subnet = record.value;
    ec2::Subnet out;
    out.subnet_id = subnet.id.str();
    out.subnet_arn = record.arn();
    out.owner_id = subnet.account_id;
    out.state = "available";
    out.vpc_id = subnet.vpc_id.str();
    out.cidr_block = subnet.cidr;
    out.ipv6_cidr_block_associations = record.ipv6;
    out.available_ip_address_count = record.available;
    out.availability_zone = subnet.zone;
    out.availability_zone_id = zone_id(context, subnet.zone);
    out.default_for_az = subnet.default_for_az;
    out.map_public_ip_on_launch = subnet.map_public_ip_on_launch;
    out.map_customer_owned_ip_on_launch = false;
    out.assign_ipv6_address_on_creation = subnet.assign_ipv6_address_on_creation;
    out.enable_dns64 = false;
    out.ipv6_native = false;
    out.private_dns_name_options_on_launch = ec2::PrivateDnsNameOptionsOnLaunch{
        subnet.hostname_type, subnet.resource_name_dns_a, subnet.resource_name_dns_aaaa};
    out.tags = to_ec2(record.tags);
    return out;
}

// Inside one of the VPC's blocks, apart from its other subnets.
Status check_place(db::Session& session, const Vpc& vpc, const Cidr& wanted) {
    auto blocks = db::vpcs::cidrs_of(session, vpc.id);
    bool inside = std::any_of(blocks.begin(), blocks.end(), [&](const VpcCidr& block) {
        auto cidr = Cidr::parse(block.cidr);
        return cidr && cidr->contains(wanted);
    });
    if (!inside) return fail(ErrorCode::invalid_subnet_range, wanted.str());
    auto conflicts = [&](const std::string& text) {
        auto cidr = Cidr::parse(text);
        return cidr && cidr->overlaps(wanted);
    };
    for (const auto& other : db::subnets::of_vpc(session, vpc.id)) {
        if (conflicts(other.cidr)) return fail(ErrorCode::invalid_subnet_conflict, wanted.str());
        for (const auto& ipv6 : db::subnets::ipv6_cidrs_of(session, other.id))
            if (conflicts(ipv6.cidr)) return fail(ErrorCode::invalid_subnet_conflict, wanted.str());
    }
    return {};
}

Result<Cidr> parse_subnet_cidr(const std::string& text) {
    LODGE_TRY(auto cidr, parse_cidr(text, "cidrBlock"));
    if (cidr.is_ipv6() || cidr.prefix() < largest_prefix || cidr.prefix() > smallest_prefix)
        return fail(ErrorCode::invalid_subnet_range, text);
    return cidr;
}

Result<Cidr> parse_subnet_ipv6_cidr(const std::string& text) {
    LODGE_TRY(auto cidr, parse_cidr(text, "ipv6CidrBlock"));
    if (!cidr.is_ipv6() || cidr.prefix() != ipv6_prefix) return fail(ErrorCode::invalid_subnet_range, text);
    return cidr;
}

Result<SubnetIpv6Cidr> add_ipv6_cidr(db::Session& session, const RequestContext& context, const Vpc& vpc,
                                     const Subnet& subnet, const Cidr& cidr) {
    if (!db::subnets::ipv6_cidrs_of(session, subnet.id).empty())
        return fail(ErrorCode::cidr_limit_exceeded, subnet.id.str(), "1");
    LODGE_CHECK(check_place(session, vpc, cidr));
    SubnetIpv6Cidr added{SubnetCidrId::make(context.services.random), subnet.id, cidr.str()};
    db::subnets::insert_ipv6_cidr(session, added);
    return added;
}

void erase_with_parts(db::Session& session, const Subnet& subnet) {
    if (auto association = db::route_tables::association_of(session, subnet.vpc_id, subnet.id.str()))
        db::route_tables::erase_association(session, association->id);
    db::network_acls::erase_association_of(session, subnet.id);
    db::subnets::erase_ipv6_cidrs(session, subnet.id);
    db::former_ipv6_cidrs::erase(session, subnet.id.str());
    db::subnets::erase(session, subnet.id);
    db::tags::erase_all(session, subnet.id.str());
}

// Whether the subnet or anything in it has an address of the block.
bool has_address_in(db::Session& session, const Subnet& subnet, const SubnetIpv6Cidr& block) {
    auto cidr = Cidr::parse(block.cidr);
    for (const auto& each : db::network_interfaces::addresses_in(session, subnet.id)) {
        auto address = IpAddress::parse(each.address);
        if (cidr && address && cidr->contains(*address)) return true;
    }
    return false;
}

}  // namespace

Result<ec2::CreateSubnetResponse> create_subnet(RequestContext& context,
                                                const ec2::CreateSubnetRequest& request) {
    if (!request.cidr_block) return fail(ErrorCode::missing_parameter, "CidrBlock");
    LODGE_TRY(auto cidr, parse_subnet_cidr(*request.cidr_block));
    LODGE_TRY(auto zone, find_zone(context, request.availability_zone, request.availability_zone_id));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "subnet", {"subnet"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateSubnetResponse> {
        LODGE_TRY(auto vpc, find_vpc(session, context, request.vpc_id));
        LODGE_CHECK(check_place(session, vpc, cidr));
        auto subnet = network::make_subnet(session, owner_of(context), vpc.id, zone.name, cidr, false);
        if (request.ipv6_cidr_block) {
            LODGE_TRY(auto ipv6, parse_subnet_ipv6_cidr(*request.ipv6_cidr_block));
            LODGE_CHECK(add_ipv6_cidr(session, context, vpc, subnet, ipv6));
        }
        put_tags(session, context, subnet.id.str(), "subnet", tags);
        network_changed(session, context, vpc.id);
        return ec2::CreateSubnetResponse{shown(context, load(session, std::move(subnet)))};
    });
}

Result<ec2::CreateDefaultSubnetResponse> create_default_subnet(
    RequestContext& context, const ec2::CreateDefaultSubnetRequest& request) {
    if (!request.availability_zone && !request.availability_zone_id)
        return fail(ErrorCode::missing_parameter, "AvailabilityZone");
    LODGE_TRY(auto zone, find_zone(context, request.availability_zone, request.availability_zone_id));
    return context.write([&](db::Session& session) -> Result<ec2::CreateDefaultSubnetResponse> {
        auto vpc = db::vpcs::find_default(session, context.account_id, context.region);
        if (!vpc) return fail(ErrorCode::missing_input, "No default VPC for this user");
        if (auto other = db::subnets::find_default(session, context.account_id, zone.name))
            return fail(ErrorCode::default_subnet_already_exists, other->id.str(), zone.name);
        auto cidr = network::free_default_subnet(session, *vpc);
        if (!cidr)
            return fail(ErrorCode::insufficient_cidr_blocks, "The default VPC has no free /20 CIDR block.");
        auto subnet = network::make_subnet(session, owner_of(context), vpc->id, zone.name, *cidr, true);
        network_changed(session, context, vpc->id);
        return ec2::CreateDefaultSubnetResponse{shown(context, load(session, std::move(subnet)))};
    });
}

Result<ec2::DeleteSubnetResponse> delete_subnet(RequestContext& context,
                                                const ec2::DeleteSubnetRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteSubnetResponse> {
        LODGE_TRY(auto subnet, find_subnet(session, context, request.subnet_id));
        if (!db::network_interfaces::of_subnet(session, subnet.id).empty())
            return fail(ErrorCode::dependency_violation,
                        "The subnet '" + subnet.id.str() + "' has dependencies and cannot be deleted.");
        erase_with_parts(session, subnet);
        network_changed(session, context, subnet.vpc_id);
        return ec2::DeleteSubnetResponse{};
    });
}

Result<ec2::DescribeSubnetsResponse> describe_subnets(RequestContext& context,
                                                      const ec2::DescribeSubnetsRequest& request) {
    auto filters = subnet_filters(context);
    auto resource = resource_of<SubnetId, Subnet, SubnetRecord>(
        context, ErrorCode::invalid_subnet_id_malformed, ErrorCode::invalid_subnet_id_not_found, filters,
        db::subnets::find, db::subnets::list, load);
    LODGE_TRY(
        auto page,
        describe::describe<SubnetRecord>(
            context, {request.subnet_id, request.filter, request.max_results, request.next_token}, resource));
    ec2::DescribeSubnetsResponse response;
    for (const auto& record : page.records) response.subnets.push_back(shown(context, record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::ModifySubnetAttributeResponse> modify_subnet_attribute(
    RequestContext& context, const ec2::ModifySubnetAttributeRequest& request) {
    int given = request.assign_ipv6_address_on_creation.has_value() +
                request.map_public_ip_on_launch.has_value() +
                request.enable_resource_name_dns_a_record_on_launch.has_value() +
                request.enable_resource_name_dns_aaaa_record_on_launch.has_value() +
                request.private_dns_hostname_type_on_launch.has_value() + request.enable_dns64.has_value() +
                request.map_customer_owned_ip_on_launch.has_value();
    if (given != 1)
        return fail(ErrorCode::invalid_parameter_combination,
                    "Exactly one attribute can be modified at a time.");
    return context.write([&](db::Session& session) -> Result<ec2::ModifySubnetAttributeResponse> {
        LODGE_TRY(auto subnet, find_subnet(session, context, request.subnet_id));
        if (request.assign_ipv6_address_on_creation) {
            subnet.assign_ipv6_address_on_creation = request.assign_ipv6_address_on_creation->value;
            if (subnet.assign_ipv6_address_on_creation &&
                db::subnets::ipv6_cidrs_of(session, subnet.id).empty())
                return fail(ErrorCode::invalid_parameter_value,
                            "Subnet " + subnet.id.str() + " has no IPv6 CIDR block associated.");
        }
        if (request.map_public_ip_on_launch)
            subnet.map_public_ip_on_launch = request.map_public_ip_on_launch->value;
        if (auto a = request.enable_resource_name_dns_a_record_on_launch)
            subnet.resource_name_dns_a = a->value;
        if (auto aaaa = request.enable_resource_name_dns_aaaa_record_on_launch)
            subnet.resource_name_dns_aaaa = aaaa->value;
        if (auto type = request.private_dns_hostname_type_on_launch) subnet.hostname_type = *type;
        db::subnets::update(session, subnet);
        return ec2::ModifySubnetAttributeResponse{};
    });
}

Result<ec2::AssociateSubnetCidrBlockResponse> associate_subnet_cidr_block(
    RequestContext& context, const ec2::AssociateSubnetCidrBlockRequest& request) {
    LODGE_TRY(auto cidr, parse_subnet_ipv6_cidr(request.ipv6_cidr_block));
    return context.write([&](db::Session& session) -> Result<ec2::AssociateSubnetCidrBlockResponse> {
        LODGE_TRY(auto subnet, find_subnet(session, context, request.subnet_id));
        LODGE_TRY(auto vpc, find_vpc(session, context, subnet.vpc_id.str()));
        LODGE_TRY(auto added, add_ipv6_cidr(session, context, vpc, subnet, cidr));
        network_changed(session, context, vpc.id);
        wake_hosts_in(session, context, vpc.id);
        return ec2::SubnetCidrBlockChange{shown(added, "associating"), subnet.id.str()};
    });
}

Result<ec2::DisassociateSubnetCidrBlockResponse> disassociate_subnet_cidr_block(
    RequestContext& context, const ec2::DisassociateSubnetCidrBlockRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DisassociateSubnetCidrBlockResponse> {
        auto block = db::subnets::find_ipv6_cidr(session, request.association_id);
        auto subnet =
            block ? db::subnets::find(session, context.account_id, context.region, block->subnet_id.str())
                  : std::nullopt;
        if (!subnet)
            return fail(ErrorCode::invalid_subnet_cidr_association_not_found, request.association_id);
        if (has_address_in(session, *subnet, *block))
            return fail(ErrorCode::dependency_violation,
                        "The subnet CIDR block with association ID " + block->id.str() +
                            " has dependencies and cannot be disassociated.");
        db::subnets::erase_ipv6_cidr(session, block->id);
        db::former_ipv6_cidrs::put(session, {subnet->id.str(), block->id.str(), block->cidr});
        subnet->assign_ipv6_address_on_creation = false;
        db::subnets::update(session, *subnet);
        network_changed(session, context, subnet->vpc_id);
        wake_hosts_in(session, context, subnet->vpc_id);
        return ec2::SubnetCidrBlockChange{shown(*block, "disassociating"), subnet->id.str()};
    });
}

}  // namespace lodge::api
