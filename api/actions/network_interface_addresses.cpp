// AssignPrivateIpAddresses, UnassignPrivateIpAddresses, AssignIpv6Addresses, UnassignIpv6Addresses.
#include "api/actions/interface_parts.h"
#include "db/store/network_interfaces.h"
#include "db/store/subnets.h"
#include "proto/ec2/network_interfaces.h"
#include "scheduler/network/interface_addresses.h"

namespace lodge::api {
namespace {

// Addresses by name, or a number of them.
Status check_choice(const std::vector<std::string>& addresses, const std::optional<std::int64_t>& count,
                    const std::string& names, const std::string& number) {
    if (addresses.empty() && !count) return fail(ErrorCode::missing_parameter, names);
    if (!addresses.empty() && count)
        return fail(ErrorCode::invalid_parameter_combination,
                    names + " and " + number + " cannot be specified together.");
    return {};
}

std::vector<std::string> in_words(const std::vector<IpAddress>& addresses) {
    std::vector<std::string> words;
    for (const auto& address : addresses) words.push_back(address.str());
    return words;
}

// Takes a secondary address away from another of the account's interfaces.
Status take_over(db::Session& session, const RequestContext& context, const InterfaceAddress& taken,
                 const NetworkInterface& to) {
    LODGE_TRY(auto from, find_own_interface(session, context, taken.network_interface_id.str()));
    if (taken.position == 0)
        return fail(ErrorCode::invalid_ip_address_in_use,
                    "Address " + taken.address + " is the primary one of " + from.id.str() + ".");
    network::move_address(session, taken, to);
    interface_changed(session, context, from);
    return {};
}

// One that the interface has already is there to stay.
Status assign_named(db::Session& session, const RequestContext& context, const NetworkInterface& interface,
                    const IpAddress& address, bool may_move) {
    auto taken = db::network_interfaces::find_address(session, interface.subnet_id, address.str());
    if (!taken) {
        network::add_address(session, interface, address);
        return {};
    }
    if (taken->network_interface_id == interface.id) return {};
    if (!may_move)
        return fail(ErrorCode::invalid_ip_address_in_use, "Address " + address.str() + " is in use.");
    return take_over(session, context, *taken, interface);
}

Result<std::vector<IpAddress>> assign_ipv4(db::Session& session, const RequestContext& context,
                                           const NetworkInterface& interface,
                                           const ec2::AssignPrivateIpAddressesRequest& request) {
    if (request.secondary_private_ip_address_count)
        return add_any_private_ips(session, context, interface, *request.secondary_private_ip_address_count);
    LODGE_TRY(auto subnet, find_subnet(session, context, interface.subnet_id.str()));
    std::vector<IpAddress> assigned;
    for (const auto& text : request.private_ip_address) {
        LODGE_TRY(auto address, private_ip_in(subnet, text));
        LODGE_CHECK(
            assign_named(session, context, interface, address, request.allow_reassignment.value_or(false)));
        assigned.push_back(address);
    }
    return assigned;
}

Result<std::vector<IpAddress>> assign_ipv6(db::Session& session, const RequestContext& context,
                                           const NetworkInterface& interface,
                                           const ec2::AssignIpv6AddressesRequest& request) {
    if (request.ipv6_address_count)
        return add_any_ipv6(session, context, interface, *request.ipv6_address_count);
    LODGE_TRY(auto subnet, find_subnet(session, context, interface.subnet_id.str()));
    std::vector<IpAddress> assigned;
    for (const auto& text : request.ipv6_addresses) {
        LODGE_TRY(auto address, ipv6_address_in(session, subnet, text));
        LODGE_CHECK(assign_named(session, context, interface, address, false));
        assigned.push_back(address);
    }
    return assigned;
}

// Of the interface, and not its primary one.
Result<InterfaceAddress> find_removable(db::Session& session, const NetworkInterface& interface,
                                        const std::string& text, bool is_ipv6) {
    auto address = IpAddress::parse(text);
    auto found = address ? db::network_interfaces::find_address(session, interface.subnet_id, address->str())
                         : std::nullopt;
    if (!found || found->network_interface_id != interface.id || found->is_ipv6 != is_ipv6)
        return fail(ErrorCode::invalid_parameter_value,
                    "The address (" + text + ") is not assigned to " + interface.id.str() + ".");
    if (!is_ipv6 && found->position == 0)
        return fail(ErrorCode::invalid_parameter_value,
                    "The address " + text + " is the primary one and cannot be unassigned.");
    return std::move(*found);
}

// Returns them as they were kept: IPv6 has many spellings.
Result<std::vector<std::string>> unassign(db::Session& session, const RequestContext& context,
                                          const NetworkInterface& interface,
                                          const std::vector<std::string>& addresses, bool is_ipv6) {
    std::vector<std::string> gone;
    for (const auto& text : addresses) {
        LODGE_TRY(auto address, find_removable(session, interface, text, is_ipv6));
        network::remove_address(session, address);
        gone.push_back(address.address);
    }
    interface_changed(session, context, interface);
    return gone;
}

}  // namespace

Result<ec2::AssignPrivateIpAddressesResponse> assign_private_ip_addresses(
    RequestContext& context, const ec2::AssignPrivateIpAddressesRequest& request) {
    LODGE_CHECK(check_choice(request.private_ip_address, request.secondary_private_ip_address_count,
                             "PrivateIpAddress", "SecondaryPrivateIpAddressCount"));
    return context.write([&](db::Session& session) -> Result<ec2::AssignPrivateIpAddressesResponse> {
        LODGE_TRY(auto interface, find_own_interface(session, context, request.network_interface_id));
        LODGE_TRY(auto assigned, assign_ipv4(session, context, interface, request));
        LODGE_CHECK(check_limits(session, interface, limits_of(session, context, interface)));
        interface_changed(session, context, interface);
        ec2::AssignPrivateIpAddressesResponse out;
        out.network_interface_id = interface.id.str();
        for (auto& address : in_words(assigned))
            out.assigned_private_ip_addresses.push_back({std::move(address)});
        return out;
    });
}

Result<ec2::UnassignPrivateIpAddressesResponse> unassign_private_ip_addresses(
    RequestContext& context, const ec2::UnassignPrivateIpAddressesRequest& request) {
    if (request.private_ip_address.empty()) return fail(ErrorCode::missing_parameter, "PrivateIpAddress");
    return context.write([&](db::Session& session) -> Result<ec2::UnassignPrivateIpAddressesResponse> {
        LODGE_TRY(auto interface, find_own_interface(session, context, request.network_interface_id));
        LODGE_CHECK(
            unassign(session, context, interface, request.private_ip_address, false).map([](auto&&) {}));
        return ec2::UnassignPrivateIpAddressesResponse{};
    });
}

Result<ec2::AssignIpv6AddressesResponse> assign_ipv6_addresses(
    RequestContext& context, const ec2::AssignIpv6AddressesRequest& request) {
    LODGE_CHECK(check_choice(request.ipv6_addresses, request.ipv6_address_count, "Ipv6Addresses",
                             "Ipv6AddressCount"));
    return context.write([&](db::Session& session) -> Result<ec2::AssignIpv6AddressesResponse> {
        LODGE_TRY(auto interface, find_own_interface(session, context, request.network_interface_id));
        LODGE_TRY(auto assigned, assign_ipv6(session, context, interface, request));
        LODGE_CHECK(check_limits(session, interface, limits_of(session, context, interface)));
        interface_changed(session, context, interface);
        return ec2::AssignIpv6AddressesResponse{in_words(assigned), interface.id.str()};
    });
}

Result<ec2::UnassignIpv6AddressesResponse> unassign_ipv6_addresses(
    RequestContext& context, const ec2::UnassignIpv6AddressesRequest& request) {
    if (request.ipv6_addresses.empty()) return fail(ErrorCode::missing_parameter, "Ipv6Addresses");
    return context.write([&](db::Session& session) -> Result<ec2::UnassignIpv6AddressesResponse> {
        LODGE_TRY(auto interface, find_own_interface(session, context, request.network_interface_id));
        LODGE_TRY(auto gone, unassign(session, context, interface, request.ipv6_addresses, true));
        return ec2::UnassignIpv6AddressesResponse{std::move(gone), interface.id.str()};
    });
}

}  // namespace lodge::api
