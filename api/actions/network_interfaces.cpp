// CreateNetworkInterface, DeleteNetworkInterface, DescribeNetworkInterfaces.
#include "db/store/network_interfaces.h"

#include "api/actions/interface_parts.h"
#include "api/actions/network_interface_view.h"
#include "api/actions/tagging.h"
#include "scheduler/network/interface_addresses.h"

namespace lodge::api {
namespace {

// The addresses that a new interface is to have; where nothing is named, any.
struct AddressWish {
    std::optional<std::string> primary;
    std::vector<std::string> secondary;
    std::int64_t more_secondary = 0;
    std::vector<std::string> ipv6;
    std::optional<std::int64_t> ipv6_count;  // nothing: as the subnet says
};

Status put_ipv4(const ec2::CreateNetworkInterfaceRequest& request, AddressWish& out) {
    out.primary = request.private_ip_address;
    for (const auto& each : request.private_ip_addresses) {
        if (!each.private_ip_address)
            return fail(ErrorCode::missing_parameter, "PrivateIpAddresses.PrivateIpAddress");
        if (!each.primary.value_or(false)) {
            out.secondary.push_back(*each.private_ip_address);
        } else if (out.primary) {
            return fail(ErrorCode::invalid_parameter_combination,
                        "Only one primary private IP address can be specified.");
        } else {
            out.primary = each.private_ip_address;
        }
    }
    // Of a list that names no primary one, the first is it.
    if (!out.primary && !out.secondary.empty()) {
        out.primary = std::move(out.secondary.front());
        out.secondary.erase(out.secondary.begin());
    }
    out.more_secondary = request.secondary_private_ip_address_count.value_or(0);
    if (out.more_secondary == 0 || out.secondary.empty()) return {};
    return fail(ErrorCode::invalid_parameter_combination,
                "Secondary private IP addresses and a count of them cannot be specified together.");
}

Status put_ipv6(const ec2::CreateNetworkInterfaceRequest& request, AddressWish& out) {
    for (const auto& each : request.ipv6_addresses) {
        if (!each.ipv6_address) return fail(ErrorCode::missing_parameter, "Ipv6Addresses.Ipv6Address");
        out.ipv6.push_back(*each.ipv6_address);
    }
    out.ipv6_count = request.ipv6_address_count;
    if (out.ipv6.empty() || !out.ipv6_count) return {};
    return fail(ErrorCode::invalid_parameter_combination,
                "Ipv6Addresses and Ipv6AddressCount cannot be specified together.");
}

Result<AddressWish> read_addresses(const ec2::CreateNetworkInterfaceRequest& request) {
    AddressWish wish;
    LODGE_CHECK(put_ipv4(request, wish));
    LODGE_CHECK(put_ipv6(request, wish));
    return wish;
}

// One new interface, inside its transaction.
class Making {
  public:
    Making(db::Session& session, const RequestContext& context,
           const ec2::CreateNetworkInterfaceRequest& request, const AddressWish& wish)
        : session_(session), context_(context), request_(request), wish_(wish) {}

    Result<NetworkInterface> run() {
        LODGE_TRY(subnet_, find_subnet(session_, context_, request_.subnet_id));
        LODGE_TRY(auto groups, groups_in(session_, context_, subnet_.vpc_id, request_.security_group_id));
        LODGE_TRY(auto made, make());
        db::network_interfaces::set_groups(session_, made.id, groups);
        LODGE_CHECK(add_secondary(made));
        LODGE_CHECK(add_ipv6(made));
        LODGE_CHECK(check_limits(session_, made, limits_of(session_, context_, made)));
        return made;
    }

  private:
    Result<NetworkInterface> make() {
        network::InterfaceWish wish;
        wish.description = request_.description.value_or("");
        if (wish_.primary) {
            LODGE_TRY(wish.address, free_private_ip(session_, subnet_, *wish_.primary));
        }
        auto made = network::make_interface(session_, owner_of(context_), subnet_, wish);
        if (!made) return fail(ErrorCode::insufficient_free_addresses_in_subnet, subnet_.id.str());
        return std::move(*made);
    }

    Status add_secondary(const NetworkInterface& made) {
        for (const auto& text : wish_.secondary) {
            LODGE_TRY(auto address, free_private_ip(session_, subnet_, text));
            network::add_address(session_, made, address);
        }
        return add_any_private_ips(session_, context_, made, wish_.more_secondary).map([](auto&&) {});
    }

    Status add_ipv6(const NetworkInterface& made) {
        for (const auto& text : wish_.ipv6) {
            LODGE_TRY(auto address, free_ipv6_address_in(session_, subnet_, text));
            network::add_address(session_, made, address);
        }
        auto count =
            wish_.ipv6_count.value_or(subnet_.assign_ipv6_address_on_creation && wish_.ipv6.empty() ? 1 : 0);
        return add_any_ipv6(session_, context_, made, count).map([](auto&&) {});
    }

    db::Session& session_;
    const RequestContext& context_;
    const ec2::CreateNetworkInterfaceRequest& request_;
    const AddressWish& wish_;
    Subnet subnet_;
};

Result<NetworkInterface> make_interface(db::Session& session, const RequestContext& context,
                                        const ec2::CreateNetworkInterfaceRequest& request,
                                        const AddressWish& wish, const std::vector<ec2::Tag>& tags) {
    LODGE_TRY(auto made, Making(session, context, request, wish).run());
    put_tags(session, context, made.id.str(), "network-interface", tags);
    remember(session, context, request.client_token, made.id.str());
    network_changed(session, context, made.vpc_id);
    return made;
}

}  // namespace

Result<ec2::CreateNetworkInterfaceResponse> create_network_interface(
    RequestContext& context, const ec2::CreateNetworkInterfaceRequest& request) {
    LODGE_TRY(auto wish, read_addresses(request));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "network-interface", {"network-interface"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreateNetworkInterfaceResponse> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        auto interface = earlier ? find_interface(session, context, *earlier)
                                 : make_interface(session, context, request, wish, tags);
        if (!interface) return tl::unexpected(interface.error());
        auto record = load_interface(session, std::move(*interface));
        return ec2::CreateNetworkInterfaceResponse{to_ec2(context, record), request.client_token};
    });
}

Result<ec2::DeleteNetworkInterfaceResponse> delete_network_interface(
    RequestContext& context, const ec2::DeleteNetworkInterfaceRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeleteNetworkInterfaceResponse> {
        LODGE_TRY(auto interface, find_own_interface(session, context, request.network_interface_id));
        if (!interface.attachment_id.empty())
            return fail(ErrorCode::invalid_network_interface_in_use,
                        "The network interface '" + interface.id.str() + "' is currently in use.");
        network::erase_interface(session, interface);
        network_changed(session, context, interface.vpc_id);
        return ec2::DeleteNetworkInterfaceResponse{};
    });
}

Result<ec2::DescribeNetworkInterfacesResponse> describe_network_interfaces(
    RequestContext& context, const ec2::DescribeNetworkInterfacesRequest& request) {
    auto filters = interface_filters(context);
    auto resource = resource_of<NetworkInterfaceId, NetworkInterface, InterfaceRecord>(
        context, ErrorCode::invalid_network_interface_id_malformed,
        ErrorCode::invalid_network_interface_id_not_found, filters, db::network_interfaces::find,
        db::network_interfaces::list, load_interface);
    LODGE_TRY(auto page, describe::describe<InterfaceRecord>(context,
                                                             {request.network_interface_id, request.filter,
                                                              request.max_results, request.next_token},
                                                             resource));
    ec2::DescribeNetworkInterfacesResponse response;
    for (const auto& record : page.records) response.network_interfaces.push_back(to_ec2(context, record));
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api
