// AllocateAddress, ReleaseAddress, DescribeAddresses, AssociateAddress, DisassociateAddress,
// DescribeAddressesAttribute.
#include "db/store/addresses.h"

#include <algorithm>

#include "api/actions/account_limits.h"
#include "api/actions/interface_parts.h"
#include "api/actions/tagging.h"
#include "api/actions/words.h"
#include "db/store/internet_gateways.h"
#include "db/store/network_interfaces.h"
#include "proto/ec2/addresses.h"
#include "scheduler/network/addresses.h"

namespace lodge::api {
namespace {

using describe::Values;

struct AddressRecord {
    Address value;
    std::vector<Tag> tags;
    std::string instance_id;         // that the interface is attached to
    std::string interface_owner_id;  // empty: not associated
};

AddressRecord load(db::Session& session, Address address) {
    AddressRecord record;
    record.tags = db::tags::of(session, address.account_id, address.id.str());
    if (auto interface = db::network_interfaces::find_any(session, address.network_interface_id)) {
        record.instance_id = interface->instance_id;
        record.interface_owner_id = interface->account_id;
    }
    record.value = std::move(address);
    return record;
}

// A filter on what may be empty.
template <class F>
describe::FilterField<AddressRecord> if_any(std::string_view name, F value) {
    return {name, [value](const AddressRecord& record, Values& out) {
                if (std::string text = value(record); !text.empty()) out.push_back(std::move(text));
            }};
}

const describe::FilterTable<AddressRecord>& address_filters() {
    static const describe::FilterTable<AddressRecord> table = {
        filter<AddressRecord>("allocation-id", [](const auto& r) { return r.value.id.str(); }),
        if_any("association-id", [](const auto& r) { return r.value.association_id; }),
        filter<AddressRecord>("domain", [](const auto&) { return "vpc"; }),
        if_any("instance-id", [](const auto& r) { return r.instance_id; }),
        filter<AddressRecord>("network-border-group", [](const auto& r) { return r.value.region; }),
        if_any("network-interface-id", [](const auto& r) { return r.value.network_interface_id; }),
        if_any("network-interface-owner-id", [](const auto& r) { return r.interface_owner_id; }),
        if_any("private-ip-address", [](const auto& r) { return r.value.private_ip; }),
        filter<AddressRecord>("public-ip", [](const auto& r) { return r.value.public_ip; }),
    };
    return table;
}

ec2::Address shown(const AddressRecord& record) {
    const auto& address = record.value;
    ec2::Address out;
    out.allocation_id = address.id.str();
    out.association_id = unless_empty(address.association_id);
    out.domain = "vpc";
    out.instance_id = unless_empty(record.instance_id);
    out.network_border_group = address.region;
    out.network_interface_id = unless_empty(address.network_interface_id);
    out.network_interface_owner_id = unless_empty(record.interface_owner_id);
    out.private_ip_address = unless_empty(address.private_ip);
    out.public_ip = address.public_ip;
    out.public_ipv4_pool = "amazon";
    out.tags = to_ec2(record.tags);
    return out;
}

describe::Resource<AddressRecord> address_resource(const RequestContext& context) {
    return resource_of<AllocationId, Address, AddressRecord>(
        context, ErrorCode::invalid_allocation_id_malformed, ErrorCode::invalid_allocation_id_not_found,
        address_filters(), db::addresses::find, db::addresses::list, load);
}

Result<Address> find_address(db::Session& session, const RequestContext& context, const std::string& id) {
    return find_or_fail<AllocationId>(session, context, id, db::addresses::find,
                                      ErrorCode::invalid_allocation_id_malformed,
                                      ErrorCode::invalid_allocation_id_not_found);
}

Status check_border_group(const RequestContext& context, const std::optional<std::string>& group) {
    if (!group || *group == context.region) return {};
    return fail(ErrorCode::invalid_parameter_value,
                "Value (" + *group + ") for parameter networkBorderGroup is invalid.");
}

// Addresses of VPCs go by their IDs; a public one names them in DescribeAddresses only.
tl::unexpected<Error> by_id_only(db::Session& session, const RequestContext& context,
                                 const std::string& public_ip, std::string_view parameter) {
    if (!db::addresses::find_by_ip(session, context.account_id, context.region, public_ip))
        return fail(ErrorCode::invalid_address_not_found, public_ip);
    return fail(ErrorCode::invalid_parameter_value,
                "You must specify " + std::string(parameter) + " for an address of a VPC, not PublicIp.");
}

// The address wished for, or any.
Result<std::string> take(db::Session& session, const RequestContext& context, const AllocationId& id,
                         const std::optional<std::string>& wish) {
    const auto& pool = context.services.settings.public_pool;
    if (!wish) {
        auto taken = network::take_public_address(session, pool, id.str(), context.services.random);
        if (!taken) return fail(ErrorCode::insufficient_address_capacity);
        return taken->str();
    }
    auto address = IpAddress::parse(*wish);
    if (!address || !network::is_in_pool(pool, *address) ||
        !db::addresses::take(session, address->str(), id.str()))
        return fail(ErrorCode::invalid_address_not_found, *wish);
    return address->str();
}

// Where an elastic address is to lead.
struct Goal {
    NetworkInterface interface;
    std::string private_ip;
};

Result<Goal> goal_of(db::Session& session, const RequestContext& context,
                     const ec2::AssociateAddressRequest& request) {
    LODGE_TRY(auto interface, request.instance_id
                                  ? only_interface_of(session, context, *request.instance_id)
                                  : find_interface(session, context, *request.network_interface_id));
    const auto id = interface.id.str();
    if (!interface.requester_id.empty())
        return fail(ErrorCode::operation_not_permitted, "The interface " + id + " belongs to a service.");
    std::optional<std::string> found;
    for (const auto& own : db::network_interfaces::addresses_of(session, interface.id))
        if (!own.is_ipv6 && !found && own.address == request.private_ip_address.value_or(own.address))
            found = own.address;
    if (!found)
        return fail(ErrorCode::invalid_parameter_value, "The private address " +
                                                            request.private_ip_address.value_or("") +
                                                            " is not assigned to interface " + id + ".");
    if (!db::internet_gateways::of_vpc(session, interface.vpc_id.str()))
        return tl::unexpected(
            Error{ErrorCode::gateway_not_attached,
                  "Network " + interface.vpc_id.str() + " is not attached to any internet gateway"});
    return Goal{std::move(interface), std::move(*found)};
}

Status check_not_managed(db::Session& session, const Address& address) {
    auto interface = db::network_interfaces::find_any(session, address.network_interface_id);
    if (!interface || interface->requester_id.empty()) return {};
    return fail(ErrorCode::operation_not_permitted, "The address " + address.public_ip +
                                                        " is used by a service through interface " +
                                                        interface->id.str() + ".");
}

// Ends an association that is in the way, if the request lets it.
Status make_way(db::Session& session, const RequestContext& context, Address& address, bool allowed) {
    if (address.association_id.empty()) return {};
    LODGE_CHECK(check_not_managed(session, address));
    if (!allowed)
        return fail(ErrorCode::resource_already_associated, "resource " + address.id.str() +
                                                                " is already associated with associate-id " +
                                                                address.association_id);
    auto interface = db::network_interfaces::find_any(session, address.network_interface_id);
    if (interface) interface_changed(session, context, *interface);
    network::unmap_address(session, address);
    return {};
}

Status associate(db::Session& session, const RequestContext& context, Address& address, Goal& goal,
                 bool may_move) {
    LODGE_CHECK(make_way(session, context, address, may_move));
    for (auto& other : db::addresses::of_interface(session, goal.interface.id))
        if (other.private_ip == goal.private_ip) LODGE_CHECK(make_way(session, context, other, may_move));
    network::map_address(session, address, goal.interface, goal.private_ip, context.services.random);
    interface_changed(session, context, goal.interface);
    return {};
}

}  // namespace

Result<ec2::AllocateAddressResponse> allocate_address(RequestContext& context,
                                                      const ec2::AllocateAddressRequest& request) {
    LODGE_CHECK(check_border_group(context, request.network_border_group));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "elastic-ip", {"elastic-ip"}));
    return context.write([&](db::Session& session) -> Result<ec2::AllocateAddressResponse> {
        LODGE_CHECK(check_address_limit(session, context));
        Address made;
        made.id = AllocationId::make(context.services.random);
        made.account_id = context.account_id;
        made.region = context.region;
        made.created_ms = context.now_ms();
        LODGE_TRY(made.public_ip, take(session, context, made.id, request.address));
        db::addresses::insert(session, made);
        put_tags(session, context, made.id.str(), "elastic-ip", tags);
        ec2::AllocateAddressResponse out;
        out.allocation_id = made.id.str();
        out.domain = "vpc";
        out.network_border_group = made.region;
        out.public_ip = made.public_ip;
        out.public_ipv4_pool = "amazon";
        return out;
    });
}

Result<ec2::ReleaseAddressResponse> release_address(RequestContext& context,
                                                    const ec2::ReleaseAddressRequest& request) {
    LODGE_CHECK(check_border_group(context, request.network_border_group));
    if (!request.allocation_id && !request.public_ip)
        return fail(ErrorCode::missing_parameter, "AllocationId");
    return context.write([&](db::Session& session) -> Result<ec2::ReleaseAddressResponse> {
        if (!request.allocation_id) return by_id_only(session, context, *request.public_ip, "AllocationId");
        LODGE_TRY(auto address, find_address(session, context, *request.allocation_id));
        if (request.public_ip && *request.public_ip != address.public_ip)
            return fail(ErrorCode::invalid_parameter_combination,
                        "AllocationId and PublicIp are not of one address.");
        if (!address.association_id.empty())
            return fail(ErrorCode::invalid_ip_address_in_use, "Address " + address.public_ip + " is in use.");
        db::addresses::give_back(session, address.public_ip);
        db::addresses::erase(session, address.id);
        db::tags::erase_all(session, address.id.str());
        return ec2::ReleaseAddressResponse{};
    });
}

Result<ec2::DescribeAddressesResponse> describe_addresses(RequestContext& context,
                                                          const ec2::DescribeAddressesRequest& request) {
    auto ids = request.allocation_id;
    LODGE_CHECK(context.read([&](db::Session& session) -> Status {
        for (const auto& public_ip : request.public_ip) {
            auto found = db::addresses::find_by_ip(session, context.account_id, context.region, public_ip);
            if (!found) return fail(ErrorCode::invalid_address_not_found, public_ip);
            ids.push_back(found->id.str());
        }
        return {};
    }));
    LODGE_TRY(auto page,
              describe::describe<AddressRecord>(context, {ids, request.filter, std::nullopt, std::nullopt},
                                                address_resource(context)));
    ec2::DescribeAddressesResponse response;
    for (const auto& record : page.records) response.addresses.push_back(shown(record));
    return response;
}

Result<ec2::AssociateAddressResponse> associate_address(RequestContext& context,
                                                        const ec2::AssociateAddressRequest& request) {
    if (request.instance_id && request.network_interface_id)
        return fail(ErrorCode::invalid_parameter_combination,
                    "You can specify either InstanceId or NetworkInterfaceId, but not both.");
    if (!request.instance_id && !request.network_interface_id)
        return fail(ErrorCode::missing_parameter, "InstanceId");
    if (!request.allocation_id && !request.public_ip)
        return fail(ErrorCode::missing_parameter, "AllocationId");
    if (request.allocation_id && request.public_ip)
        return fail(ErrorCode::invalid_parameter_combination,
                    "You can specify either AllocationId or PublicIp, but not both.");
    return context.write([&](db::Session& session) -> Result<ec2::AssociateAddressResponse> {
        if (!request.allocation_id) return by_id_only(session, context, *request.public_ip, "AllocationId");
        LODGE_TRY(auto address, find_address(session, context, *request.allocation_id));
        LODGE_TRY(auto goal, goal_of(session, context, request));
        bool is_there =
            address.network_interface_id == goal.interface.id.str() && address.private_ip == goal.private_ip;
        if (!is_there)
            LODGE_CHECK(
                associate(session, context, address, goal, request.allow_reassociation.value_or(false)));
        return ec2::AssociateAddressResponse{address.association_id};
    });
}

// Idempotent: an association that is not there is one that has ended.
Result<ec2::DisassociateAddressResponse> disassociate_address(
    RequestContext& context, const ec2::DisassociateAddressRequest& request) {
    if (!request.association_id && !request.public_ip)
        return fail(ErrorCode::missing_parameter, "AssociationId");
    if (request.association_id && !AssociationId::parse(*request.association_id))
        return fail(ErrorCode::invalid_association_id_not_found, *request.association_id);
    return context.write([&](db::Session& session) -> Result<ec2::DisassociateAddressResponse> {
        if (!request.association_id) return by_id_only(session, context, *request.public_ip, "AssociationId");
        auto address = db::addresses::find_by_association(session, context.account_id, context.region,
                                                          *request.association_id);
        if (address) LODGE_CHECK(make_way(session, context, *address, true));
        return ec2::DisassociateAddressResponse{};
    });
}

Result<ec2::DescribeAddressesAttributeResponse> describe_addresses_attribute(
    RequestContext& context, const ec2::DescribeAddressesAttributeRequest& request) {
    const std::vector<ec2::Filter> no_filters;
    LODGE_TRY(auto page,
              describe::describe<AddressRecord>(
                  context, {request.allocation_id, no_filters, request.max_results, request.next_token},
                  address_resource(context)));
    ec2::DescribeAddressesAttributeResponse response;
    for (const auto& record : page.records)
        response.addresses.push_back({record.value.id.str(), record.value.public_ip});
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api
