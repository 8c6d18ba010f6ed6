#include "api/actions/launch_interfaces.h"

#include <algorithm>
#include <set>

namespace lodge::api {
namespace {

auto bad_combination(const std::string& message) {
    return fail(ErrorCode::invalid_parameter_combination, message);
}

Result<IpAddress> parse_address(const std::string& text, bool is_ipv6, std::string_view parameter) {
    auto address = IpAddress::parse(text);
    if (address && address->is_ipv6() == is_ipv6) return *address;
    return fail(ErrorCode::invalid_parameter_value, "Value (" + text + ") for parameter " +
                                                        std::string(parameter) + " is invalid. It is no " +
                                                        (is_ipv6 ? "IPv6" : "IPv4") + " address.");
}

Status put_ipv6(const std::vector<ec2::RunIpv6Address>& addresses, std::optional<std::int64_t> count,
                InterfaceWish& out) {
    if (!addresses.empty() && count)
        return bad_combination("You can specify either Ipv6Addresses or Ipv6AddressCount, but not both.");
    for (const auto& each : addresses) {
        LODGE_TRY(auto address, parse_address(each.ipv6_address.value_or(""), true, "Ipv6Address"));
        out.ipv6.push_back(address);
    }
    out.ipv6_count = count;
    return {};
}

Status put_private_addresses(const ec2::RunNetworkInterface& given, InterfaceWish& out) {
    if (given.private_ip_address) {
        LODGE_TRY(out.address, parse_address(*given.private_ip_address, false, "PrivateIpAddress"));
    }
    for (const auto& each : given.private_ip_addresses) {
        LODGE_TRY(auto address,
                  parse_address(each.private_ip_address.value_or(""), false, "PrivateIpAddresses"));
        if (!each.primary.value_or(false)) {
            out.secondary.push_back(address);
        } else if (out.address) {
            return bad_combination("Only one primary private IP address can be specified.");
        } else {
            out.address = address;
        }
    }
    // The CLI names the primary address a second time when secondary ones are asked for.
    if (out.address) std::erase(out.secondary, *out.address);
    out.more_addresses = given.secondary_private_ip_address_count.value_or(0);
    if (out.more_addresses > 0 && !out.secondary.empty())
        return bad_combination(
            "Secondary private IP addresses and a count of them may not be specified on the same request.");
    return {};
}

// An interface that exists brings everything along.
Status check_existing(const ec2::RunNetworkInterface& given, const ec2::RunInstancesRequest& request) {
    if (request.max_count > 1)
        return bad_combination("A network interface may not be specified with more than one instance.");
    if (given.associate_public_ip_address)
        return bad_combination(
            "The associatePublicIPAddress parameter can only be specified for a new network interface.");
    if (given.delete_on_termination.value_or(false))
        return bad_combination(
            "DeleteOnTermination can only be specified as true for a new network interface.");
    bool describes = given.subnet_id || given.description || given.private_ip_address ||
                     given.secondary_private_ip_address_count || given.ipv6_address_count ||
                     !given.private_ip_addresses.empty() || !given.ipv6_addresses.empty() ||
                     !given.security_group_id.empty();
    if (!describes) return {};
    return bad_combination(
        "A network interface ID may not be specified together with a subnet, groups, addresses or a "
        "description.");
}

Result<InterfaceWish> read_interface(const ec2::RunNetworkInterface& given,
                                     const ec2::RunInstancesRequest& request) {
    InterfaceWish out;
    if (!given.device_index)
        return fail(ErrorCode::invalid_parameter_value, "Each network interface requires a device index.");
    out.device_index = *given.device_index;
    if (given.network_interface_id) {
        LODGE_CHECK(check_existing(given, request));
        out.existing_id = *given.network_interface_id;
        out.delete_on_termination = false;
        return out;
    }
    out.subnet_id = given.subnet_id;
    out.group_ids = given.security_group_id;
    out.description = given.description.value_or("");
    out.public_address = given.associate_public_ip_address;
    out.delete_on_termination = given.delete_on_termination.value_or(true);
    LODGE_CHECK(put_private_addresses(given, out));
    LODGE_CHECK(put_ipv6(given.ipv6_addresses, given.ipv6_address_count, out));
    return out;
}

// Without a list of interfaces the instance has one, by the request's own parameters.
Result<InterfaceWish> read_top_level(const ec2::RunInstancesRequest& request) {
    InterfaceWish out;
    if (request.subnet_id && !request.security_group.empty())
        return bad_combination("The parameter groupName cannot be used with the parameter subnet");
    out.subnet_id = request.subnet_id;
    out.group_ids = request.security_group_id;
    out.group_names = request.security_group;
    if (request.private_ip_address) {
        LODGE_TRY(out.address, parse_address(*request.private_ip_address, false, "PrivateIpAddress"));
    }
    LODGE_CHECK(put_ipv6(request.ipv6_address, request.ipv6_address_count, out));
    return out;
}

Status check_levels(const ec2::RunInstancesRequest& request) {
    const std::pair<bool, const char*> top_level[] = {
        {request.subnet_id.has_value(), "subnet ID"},
        {!request.security_group.empty() || !request.security_group_id.empty(), "security groups"},
        {request.private_ip_address.has_value(), "private IP address"},
        {request.ipv6_address_count || !request.ipv6_address.empty(), "IPv6 addresses"},
    };
    for (const auto& [given, what] : top_level)
        if (given)
            return bad_combination("Network interfaces and an instance-level " + std::string(what) +
                                   " may not be specified on the same request");
    return {};
}

Status check_indexes(const std::vector<InterfaceWish>& wishes) {
    std::set<std::int64_t> seen;
    std::set<std::string> existing;
    for (const auto& wish : wishes) {
        if (!seen.insert(wish.device_index).second)
            return fail(ErrorCode::invalid_parameter_value,
                        "Each network interface requires a unique device index.");
        if (!wish.existing_id.empty() && !existing.insert(wish.existing_id).second)
            return fail(ErrorCode::invalid_network_interface_in_use,
                        "Interface: [" + wish.existing_id + "] in use.");
    }
    if (seen.contains(0)) return {};
    return fail(ErrorCode::invalid_parameter_value,
                "One of the network interfaces must have the device index 0.");
}

Status check_public_address(const std::vector<InterfaceWish>& wishes) {
    for (const auto& wish : wishes)
        if (wish.public_address && wishes.size() > 1)
            return bad_combination(
                "The associatePublicIPAddress parameter cannot be specified when launching with multiple "
                "network interfaces.");
    return {};
}

Status check_limits(const std::vector<InterfaceWish>& wishes, const catalogue::InstanceType& type) {
    if (static_cast<std::int64_t>(wishes.size()) > type.max_enis)
        return fail(ErrorCode::attachment_limit_exceeded, "Interface count " + std::to_string(wishes.size()) +
                                                              " exceeds the limit for " + type.name);
    for (const auto& wish : wishes) {
        if (wish.ipv4_count() > type.ipv4_per_eni)
            return fail(
                ErrorCode::private_ip_address_limit_exceeded,
                "Number of private addresses will exceed limit (" + std::to_string(type.ipv4_per_eni) + ").");
        auto ipv6 = wish.ipv6_count.value_or(static_cast<std::int64_t>(wish.ipv6.size()));
        if (ipv6 > type.ipv6_per_eni)
            return fail(ErrorCode::private_ip_address_limit_exceeded,
                        "Number of IPv6 addresses will exceed limit (" + std::to_string(type.ipv6_per_eni) +
                            ") of " + type.name + ".");
    }
    return {};
}

Status check_count(const std::vector<InterfaceWish>& wishes, const ec2::RunInstancesRequest& request) {
    if (request.max_count == 1) return {};
    for (const auto& wish : wishes)
        if (wish.names_addresses())
            return bad_combination("An address may not be specified with more than one instance.");
    return {};
}

}  // namespace

Result<std::vector<InterfaceWish>> check_interfaces(const ec2::RunInstancesRequest& request,
                                                    const catalogue::InstanceType& type) {
    std::vector<InterfaceWish> wishes;
    if (request.network_interface.empty()) {
        LODGE_TRY(auto wish, read_top_level(request));
        wishes.push_back(std::move(wish));
    } else {
        LODGE_CHECK(check_levels(request));
        for (const auto& given : request.network_interface) {
            LODGE_TRY(auto wish, read_interface(given, request));
            wishes.push_back(std::move(wish));
        }
    }
    LODGE_CHECK(check_indexes(wishes));
    LODGE_CHECK(check_public_address(wishes));
    LODGE_CHECK(check_count(wishes, request));
    LODGE_CHECK(check_limits(wishes, type));
    std::sort(wishes.begin(), wishes.end(),
              [](const auto& a, const auto& b) { return a.device_index < b.device_index; });
    return wishes;
}

}  // namespace lodge::api
