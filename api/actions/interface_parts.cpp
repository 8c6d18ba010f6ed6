#include "api/actions/interface_parts.h"

#include <algorithm>
#include <tuple>

#include "db/store/instances.h"
#include "db/store/network_interfaces.h"
#include "db/store/security_groups.h"
#include "db/store/subnets.h"
#include "scheduler/network/interface_addresses.h"

namespace lodge::api {
namespace {

auto bad_address(const std::string& text, const Subnet& subnet) {
    return fail(
        ErrorCode::invalid_parameter_value,
        "Value (" + text + ") is invalid. It is not an address to be given out in " + subnet.id.str() + ".");
}

Result<IpAddress> check_free(db::Session& session, const Subnet& subnet, const IpAddress& address) {
    if (!db::network_interfaces::address_taken(session, subnet.id, address.str())) return address;
    return fail(ErrorCode::invalid_ip_address_in_use, "Address " + address.str() + " is in use.");
}

Result<SecurityGroup> find_group_in(db::Session& session, const RequestContext& context, const VpcId& vpc_id,
                                    const std::string& id) {
    LODGE_TRY(auto group, find_or_fail<SecurityGroupId>(session, context, id, db::security_groups::find,
                                                        ErrorCode::invalid_group_id_malformed,
                                                        ErrorCode::invalid_group_not_found));
    if (group.vpc_id != vpc_id) return fail(ErrorCode::invalid_group_not_found, id);
    return group;
}

}  // namespace

Result<NetworkInterface> find_own_interface(db::Session& session, const RequestContext& context,
                                            const std::string& id) {
    LODGE_TRY(auto interface, find_interface(session, context, id));
    if (!interface.requester_id.empty())
        return fail(ErrorCode::operation_not_permitted,
                    "The network interface '" + id + "' belongs to a service, which alone manages it.");
    return interface;
}

void interface_changed(db::Session& session, const RequestContext& context,
                       const NetworkInterface& interface) {
    network_changed(session, context, interface.vpc_id);
    if (interface.instance_id.empty()) return;
    auto row = db::instances::find_any(session, InstanceId::trusted(interface.instance_id));
    if (!row) return;
    session.after_commit(
        [&hub = context.services.hub, host_id = row->instance.host_id] { hub.changed(host_id); });
}

Result<std::vector<SecurityGroupId>> groups_in(db::Session& session, const RequestContext& context,
                                               const VpcId& vpc_id, const std::vector<std::string>& ids) {
    std::vector<SecurityGroupId> groups;
    for (const auto& id : ids) {
        LODGE_TRY(auto group, find_group_in(session, context, vpc_id, id));
        if (std::find(groups.begin(), groups.end(), group.id) == groups.end()) groups.push_back(group.id);
    }
    if (groups.size() > max_groups_per_interface)
        return fail(ErrorCode::security_groups_per_interface_limit_exceeded);
    if (!groups.empty()) return groups;
    auto fallback = db::security_groups::find_by_name(session, vpc_id, "default");
    if (fallback) groups.push_back(fallback->id);
    return groups;
}

Result<IpAddress> private_ip_in(const Subnet& subnet, const std::string& text) {
    auto address = IpAddress::parse(text);
    auto cidr = Cidr::parse(subnet.cidr);
    if (!address || !cidr || !cidr->contains(*address) || network::is_reserved(*cidr, *address))
        return bad_address(text, subnet);
    return *address;
}

Result<IpAddress> ipv6_address_in(db::Session& session, const Subnet& subnet, const std::string& text) {
    auto address = IpAddress::parse(text);
    for (const auto& block : db::subnets::ipv6_cidrs_of(session, subnet.id)) {
        auto cidr = Cidr::parse(block.cidr);
        if (address && cidr && cidr->contains(*address) && !network::is_reserved(*cidr, *address))
            return *address;
    }
    return bad_address(text, subnet);
}

Result<IpAddress> free_private_ip(db::Session& session, const Subnet& subnet, const std::string& text) {
    LODGE_TRY(auto address, private_ip_in(subnet, text));
    return check_free(session, subnet, address);
}

Result<IpAddress> free_ipv6_address_in(db::Session& session, const Subnet& subnet, const std::string& text) {
    LODGE_TRY(auto address, ipv6_address_in(session, subnet, text));
    return check_free(session, subnet, address);
}

Result<std::vector<IpAddress>> add_any_private_ips(db::Session& session, const RequestContext& context,
                                                   const NetworkInterface& interface, std::int64_t count) {
    LODGE_TRY(auto subnet, find_subnet(session, context, interface.subnet_id.str()));
    auto added = network::add_free_addresses(session, interface, subnet, count, context.services.random);
    if (!added) return fail(ErrorCode::insufficient_free_addresses_in_subnet, subnet.id.str());
    return std::move(*added);
}

Result<std::vector<IpAddress>> add_any_ipv6(db::Session& session, const RequestContext& context,
                                            const NetworkInterface& interface, std::int64_t count) {
    LODGE_TRY(auto subnet, find_subnet(session, context, interface.subnet_id.str()));
    if (count > 0 && db::subnets::ipv6_cidrs_of(session, subnet.id).empty())
        return fail(ErrorCode::invalid_parameter_value,
                    "The subnet '" + subnet.id.str() + "' has no IPv6 CIDR block.");
    auto added = network::add_free_ipv6_addresses(session, interface, subnet, count, context.services.random);
    if (!added) return fail(ErrorCode::insufficient_free_addresses_in_subnet, subnet.id.str());
    return std::move(*added);
}

AddressLimits limits_of_type(const RequestContext& context, const std::string& instance_type) {
    AddressLimits largest;
    for (const auto& type : context.services.catalogue.all()) {
        AddressLimits own{type.ipv4_per_eni, type.ipv6 ? type.ipv6_per_eni : 0};
        if (type.name == instance_type) return own;
        largest = {std::max(largest.ipv4, own.ipv4), std::max(largest.ipv6, own.ipv6)};
    }
    return largest;
}

AddressLimits limits_of(db::Session& session, const RequestContext& context,
                        const NetworkInterface& interface) {
    auto row = interface.instance_id.empty()
                   ? std::nullopt
                   : db::instances::find_any(session, InstanceId::trusted(interface.instance_id));
    return limits_of_type(context, row ? row->instance.instance_type : "");
}

Status check_limits(db::Session& session, const NetworkInterface& interface, const AddressLimits& limits) {
    AddressLimits has;
    for (const auto& address : db::network_interfaces::addresses_of(session, interface.id))
        ++(address.is_ipv6 ? has.ipv6 : has.ipv4);
    for (const auto& [count, limit, family] :
         {std::tuple{has.ipv4, limits.ipv4, "IPv4"}, std::tuple{has.ipv6, limits.ipv6, "IPv6"}})
        if (count > limit)
            return fail(ErrorCode::private_ip_address_limit_exceeded,
                        "The interface would have " + std::to_string(count) + " " + family +
                            " addresses; it may have " + std::to_string(limit) + ".");
    return {};
}

}  // namespace lodge::api
