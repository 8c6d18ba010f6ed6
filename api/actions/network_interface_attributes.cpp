// DescribeNetworkInterfaceAttribute, ModifyNetworkInterfaceAttribute, ResetNetworkInterfaceAttribute.
#include "api/actions/instance_view.h"
#include "api/actions/interface_parts.h"
#include "api/actions/network_interface_view.h"
#include "db/store/instances.h"
#include "db/store/network_interfaces.h"
#include "scheduler/lifecycle/lifecycle.h"
#include "scheduler/network/instance_network.h"

namespace lodge::api {
namespace {

using Modify = ec2::ModifyNetworkInterfaceAttributeRequest;

constexpr std::size_t max_description = 255;

Status check_one(const Modify& request) {
    int given = request.associate_public_ip_address.has_value() + request.attachment.has_value() +
                request.description.has_value() + !request.security_group_id.empty() +
                request.source_dest_check.has_value();
    if (given == 1) return {};
    return fail(ErrorCode::invalid_parameter_combination,
                given == 0 ? "No attributes specified." : "One attribute can be modified at a time.");
}

Status check_description(const Modify& request) {
    if (!request.description || request.description->value.size() <= max_description) return {};
    return fail(ErrorCode::invalid_parameter_value,
                "A description may have at most " + std::to_string(max_description) + " bytes.");
}

Status modify_attachment(NetworkInterface& interface, const ec2::NetworkInterfaceAttachmentChanges& wanted) {
    if (!wanted.attachment_id) return fail(ErrorCode::missing_parameter, "Attachment.AttachmentId");
    if (!wanted.delete_on_termination)
        return fail(ErrorCode::missing_parameter, "Attachment.DeleteOnTermination");
    if (wanted.attachment_id->empty() || interface.attachment_id != *wanted.attachment_id)
        return fail(ErrorCode::invalid_attachment_id_not_found, *wanted.attachment_id);
    interface.delete_on_termination = *wanted.delete_on_termination;
    return {};
}

bool has_guest(db::Session& session, const std::string& instance_id) {
    auto row = db::instances::find_any(session, InstanceId::trusted(instance_id));
    if (!row) return false;
    auto state = state_of(*row);
    return state == InstanceState::pending || state == InstanceState::running;
}

// Of a stopped instance, it is given when the instance starts.
Status modify_public_address(db::Session& session, const RequestContext& context, NetworkInterface& interface,
                             bool wanted) {
    if (interface.instance_id.empty() || interface.device_index != 0)
        return fail(ErrorCode::unsupported_operation,
                    "AssociatePublicIpAddress is for the primary network interface of an instance.");
    interface.auto_public_ip = wanted;
    if (!wanted) {
        network::free_launch_address(session, interface);
        return {};
    }
    if (!has_guest(session, interface.instance_id)) return {};
    if (!network::take_launch_address(session, context.services.settings.public_pool, interface,
                                      context.services.random))
        return fail(ErrorCode::insufficient_address_capacity);
    return {};
}

Status modify(db::Session& session, const RequestContext& context, NetworkInterface& interface,
              const Modify& request) {
    if (request.associate_public_ip_address)
        LODGE_CHECK(modify_public_address(session, context, interface, *request.associate_public_ip_address));
    if (request.attachment) LODGE_CHECK(modify_attachment(interface, *request.attachment));
    if (request.description) interface.description = request.description->value;
    if (request.source_dest_check) interface.source_dest_check = request.source_dest_check->value;
    db::network_interfaces::update(session, interface);
    if (!request.security_group_id.empty()) {
        LODGE_TRY(auto groups, groups_in(session, context, interface.vpc_id, request.security_group_id));
        db::network_interfaces::set_groups(session, interface.id, groups);
    }
    if (!request.security_group_id.empty() || request.source_dest_check ||
        request.associate_public_ip_address)
        interface_changed(session, context, interface);
    return {};
}

void put_attribute(const InterfaceRecord& record, std::string_view attribute,
                   ec2::DescribeNetworkInterfaceAttributeResponse& out) {
    if (attribute == "associatePublicIpAddress")
        out.associate_public_ip_address = record.value.auto_public_ip;
    else if (attribute == "attachment")
        out.attachment = attachment_of(record.value);
    else if (attribute == "description")
        out.description = ec2::AttributeValue{record.value.description};
    else if (attribute == "groupSet")
        out.groups = record.groups;
    else
        out.source_dest_check = ec2::AttributeBooleanValue{record.value.source_dest_check};
}

}  // namespace

Result<ec2::DescribeNetworkInterfaceAttributeResponse> describe_network_interface_attribute(
    RequestContext& context, const ec2::DescribeNetworkInterfaceAttributeRequest& request) {
    return context.read([&](db::Session& session) -> Result<ec2::DescribeNetworkInterfaceAttributeResponse> {
        LODGE_TRY(auto interface, find_interface(session, context, request.network_interface_id));
        if (!request.attribute) return fail(ErrorCode::missing_parameter, "Attribute");
        ec2::DescribeNetworkInterfaceAttributeResponse out;
        out.network_interface_id = interface.id.str();
        put_attribute(load_interface(session, std::move(interface)), *request.attribute, out);
        return out;
    });
}

Result<ec2::ModifyNetworkInterfaceAttributeResponse> modify_network_interface_attribute(
    RequestContext& context, const Modify& request) {
    LODGE_CHECK(check_one(request));
    LODGE_CHECK(check_description(request));
    return context.write([&](db::Session& session) -> Result<ec2::ModifyNetworkInterfaceAttributeResponse> {
        LODGE_TRY(auto interface, find_own_interface(session, context, request.network_interface_id));
        LODGE_CHECK(modify(session, context, interface, request));
        return ec2::ModifyNetworkInterfaceAttributeResponse{};
    });
}

Result<ec2::ResetNetworkInterfaceAttributeResponse> reset_network_interface_attribute(
    RequestContext& context, const ec2::ResetNetworkInterfaceAttributeRequest& request) {
    if (!request.source_dest_check) return fail(ErrorCode::missing_parameter, "SourceDestCheck");
    return context.write([&](db::Session& session) -> Result<ec2::ResetNetworkInterfaceAttributeResponse> {
        LODGE_TRY(auto interface, find_own_interface(session, context, request.network_interface_id));
        interface.source_dest_check = true;
        db::network_interfaces::update(session, interface);
        interface_changed(session, context, interface);
        return ec2::ResetNetworkInterfaceAttributeResponse{};
    });
}

}  // namespace lodge::api
