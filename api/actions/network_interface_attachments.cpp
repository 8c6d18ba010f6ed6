// AttachNetworkInterface, DetachNetworkInterface. Source: EC2 user guide, "Network interface attachments for
// your EC2 instance".
#include "scheduler/network/attachments.h"

#include "api/actions/instance_view.h"
#include "api/actions/interface_parts.h"
#include "db/store/instances.h"
#include "db/store/network_interfaces.h"
#include "proto/ec2/network_interfaces.h"
#include "scheduler/lifecycle/lifecycle.h"

namespace lodge::api {
namespace {

using Row = db::instances::WithGuest;

bool may_attach(InstanceState state) {
    return state == InstanceState::pending || state == InstanceState::running ||
           state == InstanceState::stopped;
}

Status check_place(const Instance& instance, const NetworkInterface& interface,
                   const std::vector<NetworkInterface>& others) {
    auto apart = [](std::string_view what) {
        return fail(ErrorCode::invalid_parameter_combination,
                    "You may not attach a network interface to an instance that is not in the same " +
                        std::string(what) + ".");
    };
    if (interface.zone != instance.zone) return apart("availability zone");
    if (!others.empty() && others.front().vpc_id != interface.vpc_id) return apart("VPC");
    return {};
}

Status check_room(const RequestContext& context, const Instance& instance,
                  const std::vector<NetworkInterface>& others, std::int64_t device_index) {
    for (const auto& other : others)
        if (other.device_index == device_index)
            return fail(ErrorCode::invalid_parameter_value,
                        "Instance '" + instance.id.str() +
                            "' already has an interface attached at device "
                            "index '" +
                            std::to_string(device_index) + "'.");
    const auto* type = context.services.catalogue.find(instance.instance_type);
    auto count = static_cast<std::int64_t>(others.size()) + 1;
    if (type && count > type->max_enis)
        return fail(
            ErrorCode::attachment_limit_exceeded,
            "Interface count " + std::to_string(count) + " exceeds the limit for " + instance.instance_type);
    return {};
}

Status check_attachable(db::Session& session, const RequestContext& context, const Row& row,
                        const NetworkInterface& interface, std::int64_t device_index) {
    const auto& instance = row.instance;
    if (!interface.attachment_id.empty())
        return fail(ErrorCode::invalid_network_interface_in_use,
                    "The network interface '" + interface.id.str() + "' is currently in use.");
    if (!may_attach(state_of(row)))
        return fail(ErrorCode::incorrect_instance_state,
                    "The instance '" + instance.id.str() + "' is " + std::string(to_text(state_of(row))) +
                        ", so that no network interface can be attached to it.");
    auto others = db::network_interfaces::of_instance(session, instance.id);
    LODGE_CHECK(check_place(instance, interface, others));
    LODGE_CHECK(check_room(context, instance, others, device_index));
    return check_limits(session, interface, limits_of_type(context, instance.instance_type));
}

Result<NetworkInterface> find_attached(db::Session& session, const RequestContext& context,
                                       const std::string& attachment_id) {
    auto found = db::network_interfaces::find_by_attachment(session, context.account_id, context.region,
                                                            attachment_id);
    if (found && !found->requester_id.empty())
        return fail(ErrorCode::operation_not_permitted,
                    "You are not allowed to manage the attachment '" + attachment_id + "' of a service.");
    if (!found) return fail(ErrorCode::invalid_attachment_id_not_found, attachment_id);
    if (found->device_index == 0)
        return fail(ErrorCode::operation_not_permitted,
                    "The network interface at device index 0 cannot be detached.");
    return std::move(*found);
}

}  // namespace

Result<ec2::AttachNetworkInterfaceResponse> attach_network_interface(
    RequestContext& context, const ec2::AttachNetworkInterfaceRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::AttachNetworkInterfaceResponse> {
        LODGE_TRY(auto interface, find_own_interface(session, context, request.network_interface_id));
        LODGE_TRY(auto row,
                  find_or_fail<InstanceId>(session, context, request.instance_id, db::instances::find,
                                           ErrorCode::invalid_instance_id_malformed,
                                           ErrorCode::invalid_instance_id_not_found));
        LODGE_CHECK(check_attachable(session, context, row, interface, request.device_index));
        bool live = state_of(row) != InstanceState::stopped;
        network::begin_attach(session, interface, row.instance, request.device_index, false, live,
                              context.now_ms(), context.services.random);
        if (live) ask_guest(session, context, row);
        network_changed(session, context, interface.vpc_id);
        return ec2::AttachNetworkInterfaceResponse{interface.attachment_id, 0};
    });
}

// With Force the interface is free at once, whatever the guest still does with it: its host takes it away as
// soon as it hears of that.
Result<ec2::DetachNetworkInterfaceResponse> detach_network_interface(
    RequestContext& context, const ec2::DetachNetworkInterfaceRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DetachNetworkInterfaceResponse> {
        LODGE_TRY(auto interface, find_attached(session, context, request.attachment_id));
        auto row = db::instances::find_any(session, InstanceId::trusted(interface.instance_id));
        bool has_guest =
            row && state_of(*row) != InstanceState::stopped && state_of(*row) != InstanceState::terminated;
        network::begin_detach(session, interface, has_guest && !request.force.value_or(false));
        if (has_guest) ask_guest(session, context, *row);
        network_changed(session, context, interface.vpc_id);
        return ec2::DetachNetworkInterfaceResponse{};
    });
}

}  // namespace lodge::api
