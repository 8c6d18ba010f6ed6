// DescribeInstanceAttribute, ModifyInstanceAttribute, ResetInstanceAttribute, ModifyPrivateDnsNameOptions.
#include "proto/ec2/instance_attributes.h"

#include <algorithm>

#include "api/actions/boot_modes.h"
#include "api/actions/cpu_credits.h"
#include "api/actions/instance_view.h"
#include "api/actions/interface_parts.h"
#include "api/actions/launch_request.h"
#include "api/actions/words.h"
#include "db/store/images.h"
#include "db/store/network_interfaces.h"
#include "db/store/volumes.h"
#include "proto/base/encoding.h"
#include "scheduler/lifecycle/lifecycle.h"

namespace lodge::api {
namespace {

using Modify = ec2::ModifyInstanceAttributeRequest;
using Described = ec2::DescribeInstanceAttributeResponse;

// One change of one instance, inside its transaction.
struct Change {
    db::Session& session;
    const RequestContext& context;
    const Modify& request;
    Instance& instance;
};

Status bad_value(std::string_view attribute, const std::string& value) {
    return fail(ErrorCode::invalid_parameter_value,
                "Value (" + value + ") for attribute " + std::string(attribute) + " is invalid.");
}

Status put_flag(std::optional<ec2::InstanceAttributeFlag>& out, std::string_view attribute,
                const std::string& value) {
    if (value != "true" && value != "false") return bad_value(attribute, value);
    out = ec2::InstanceAttributeFlag{value == "true"};
    return {};
}

Status unsupported(std::string_view attribute, const std::string& value, std::string_view why) {
    return fail(ErrorCode::unsupported_operation, "The value " + value + " of the attribute " +
                                                      std::string(attribute) +
                                                      " is not supported: " + std::string(why) + ".");
}

// --- Types

Status check_interfaces_fit(Change& change, const catalogue::InstanceType& type) {
    auto interfaces = db::network_interfaces::of_instance(change.session, change.instance.id);
    if (static_cast<std::int64_t>(interfaces.size()) > type.max_enis)
        return fail(
            ErrorCode::attachment_limit_exceeded,
            "Interface count " + std::to_string(interfaces.size()) + " exceeds the limit for " + type.name);
    for (const auto& interface : interfaces)
        LODGE_CHECK(check_limits(change.session, interface, limits_of_type(change.context, type.name)));
    return {};
}

// Whether a host has room is asked when the instance starts.
Status change_type(Change& change) {
    auto name = change.request.instance_type->value.value_or("");
    const auto* type = change.context.services.catalogue.find(name);
    if (!type) return bad_value("instanceType", name);
    auto& instance = change.instance;
    const auto& supported = type->architectures;
    if (std::find(supported.begin(), supported.end(), instance.architecture) == supported.end())
        return fail(ErrorCode::invalid_parameter_combination, "The architecture '" + instance.architecture +
                                                                  "' of the instance is not supported by " +
                                                                  "the instance type '" + name + "'.");
    LODGE_TRY(instance.current_boot_mode, boot_mode_on(*type, instance.boot_mode));
    LODGE_CHECK(check_interfaces_fit(change, *type));
    // What an earlier type had stays with the instance.
    instance.cpu_credits = credits_of(change.context.services.catalogue, instance);
    if (instance.cpu_credits.empty()) instance.cpu_credits = default_credits(*type);
    instance.instance_type = type->name;
    instance.core_count = type->cores;
    instance.threads_per_core = type->threads_per_core;
    instance.vcpus = type->vcpus;
    instance.memory_mib = type->memory_mib;
    instance.store_disks = type->instance_disks;
    instance.store_disk_bytes = type->instance_disk_bytes();
    return {};
}

// --- What the guest starts with

Status change_kernel(Change& change) {
    auto id = change.request.kernel->value.value_or("");
    LODGE_CHECK(check_part(change.session, change.context, id, ImageType::kernel));
    LODGE_CHECK(check_boot_mode(change.instance.boot_mode, change.instance.architecture, !id.empty()));
    change.instance.kernel_id = id;
    return {};
}

Status change_ramdisk(Change& change) {
    auto id = change.request.ramdisk->value.value_or("");
    LODGE_CHECK(check_part(change.session, change.context, id, ImageType::ramdisk));
    LODGE_CHECK(check_boot_mode(change.instance.boot_mode, change.instance.architecture, !id.empty()));
    change.instance.ramdisk_id = id;
    return {};
}

Status change_user_data(Change& change) {
    auto bytes = change.request.user_data->value.value_or("");
    if (bytes.size() > max_user_data_bytes)
        return fail(ErrorCode::invalid_parameter_value, "User data is limited to 16384 bytes.");
    db::instances::put_user_data(change.session, change.instance.id, bytes);
    return {};
}

Status put_user_data(Modify& request, const std::string& value) {
    auto bytes = base64_decode(value);
    if (!bytes) return fail(ErrorCode::invalid_parameter_value, "Invalid BASE64 encoding of user data.");
    request.user_data = ec2::UserDataChange{std::move(*bytes)};
    return {};
}

// --- How the API and the guest's own shutdown treat it

Status change_termination_protection(Change& change) {
    change.instance.disable_api_termination = change.request.disable_api_termination->value.value_or(false);
    return {};
}

Status change_stop_protection(Change& change) {
    change.instance.disable_api_stop = change.request.disable_api_stop->value.value_or(false);
    return {};
}

Status change_shutdown_behaviour(Change& change) {
    auto value = change.request.instance_initiated_shutdown_behavior->value.value_or("");
    if (value.empty()) return bad_value("instanceInitiatedShutdownBehavior", value);
    change.instance.terminate_on_shutdown = value == "terminate";
    return {};
}

Status put_shutdown_behaviour(Modify& request, const std::string& value) {
    if (value != "stop" && value != "terminate") return bad_value("instanceInitiatedShutdownBehavior", value);
    request.instance_initiated_shutdown_behavior = ec2::ShutdownBehaviorChange{value};
    return {};
}

// --- Its one network interface

Status change_source_dest_check(Change& change) {
    LODGE_TRY(auto interface, only_interface_of(change.session, change.context, change.instance.id.str()));
    interface.source_dest_check = change.request.source_dest_check->value.value_or(true);
    db::network_interfaces::update(change.session, interface);
    interface_changed(change.session, change.context, interface);
    return {};
}

Status change_groups(Change& change) {
    LODGE_TRY(auto interface, only_interface_of(change.session, change.context, change.instance.id.str()));
    LODGE_TRY(auto groups,
              groups_in(change.session, change.context, interface.vpc_id, change.request.group_id));
    db::network_interfaces::set_groups(change.session, interface.id, groups);
    interface_changed(change.session, change.context, interface);
    return {};
}

// --- Disks and the rest, of which there is one kind

Status change_block_devices(Change& change) {
    auto volumes = db::volumes::of_instance(change.session, change.instance.id);
    for (const auto& mapping : change.request.block_device_mapping) {
        const auto name = mapping.device_name.value_or("");
        const auto found = std::find_if(volumes.begin(), volumes.end(),
                                        [&](const auto& volume) { return volume.device == name; });
        if (found == volumes.end())
            return fail(ErrorCode::invalid_parameter_value, "No device is currently mapped at " + name);
        if (!mapping.ebs) continue;
        if (mapping.ebs->volume_id.value_or(found->id.str()) != found->id.str())
            return bad_value("blockDeviceMapping", *mapping.ebs->volume_id);
        found->delete_on_termination =
            mapping.ebs->delete_on_termination.value_or(found->delete_on_termination);
        db::volumes::update(change.session, *found);
        wake_host(change.session, change.context, found->host_id);
    }
    return {};
}

Status change_nothing(Change&) {
    return {};  // the decoder lets the one value pass that there is
}

Status put_ebs_optimized(Modify& request, const std::string& value) {
    if (value != "false") return unsupported("ebsOptimized", value, "disks are local files");
    request.ebs_optimized.emplace();
    return {};
}

Status put_ena_support(Modify& request, const std::string& value) {
    if (value != "true")
        return unsupported("enaSupport", value, "every guest has the one kind of network card");
    request.ena_support.emplace();
    return {};
}

// An attribute: EC2's word for it, whether the request changes it, its place in the request for the form with
// Attribute and Value (null: has none), the change, and whether the instance must be stopped.
struct Attribute {
    std::string_view name;
    bool (*is_given)(const Modify&);
    Status (*put)(Modify&, const std::string& value);
    Status (*change)(Change&);
    bool stopped_only = false;
};

const Attribute attributes[] = {
    {"instanceType", [](const Modify& r) { return r.instance_type.has_value(); },
     [](Modify& r, const std::string& value) -> Status {
         r.instance_type = ec2::InstanceAttributeValue{value};
         return {};
     },
     change_type, true},
    {"kernel", [](const Modify& r) { return r.kernel.has_value(); },
     [](Modify& r, const std::string& value) -> Status {
         r.kernel = ec2::InstanceAttributeValue{value};
         return {};
     },
     change_kernel, true},
    {"ramdisk", [](const Modify& r) { return r.ramdisk.has_value(); },
     [](Modify& r, const std::string& value) -> Status {
         r.ramdisk = ec2::InstanceAttributeValue{value};
         return {};
     },
     change_ramdisk, true},
    {"userData", [](const Modify& r) { return r.user_data.has_value(); }, put_user_data, change_user_data,
     true},
    {"disableApiTermination", [](const Modify& r) { return r.disable_api_termination.has_value(); },
     [](Modify& r, const std::string& value) {
         return put_flag(r.disable_api_termination, "disableApiTermination", value);
     },
     change_termination_protection},
    {"disableApiStop", [](const Modify& r) { return r.disable_api_stop.has_value(); },
     [](Modify& r, const std::string& value) {
         return put_flag(r.disable_api_stop, "disableApiStop", value);
     },
     change_stop_protection},
    {"instanceInitiatedShutdownBehavior",
     [](const Modify& r) { return r.instance_initiated_shutdown_behavior.has_value(); },
     put_shutdown_behaviour, change_shutdown_behaviour},
    {"sourceDestCheck", [](const Modify& r) { return r.source_dest_check.has_value(); },
     [](Modify& r, const std::string& value) {
         return put_flag(r.source_dest_check, "sourceDestCheck", value);
     },
     change_source_dest_check},
    {"groupSet", [](const Modify& r) { return !r.group_id.empty(); },
     [](Modify& r, const std::string& value) -> Status {
         r.group_id = {value};
         return {};
     },
     change_groups},
    {"blockDeviceMapping", [](const Modify& r) { return !r.block_device_mapping.empty(); }, nullptr,
     change_block_devices},
    {"ebsOptimized", [](const Modify& r) { return r.ebs_optimized.has_value(); }, put_ebs_optimized,
     change_nothing, true},
    {"enaSupport", [](const Modify& r) { return r.ena_support.has_value(); }, put_ena_support, change_nothing,
     true},
};

// EC2's words for what an instance has and nobody changes.
constexpr std::string_view fixed_attributes[] = {"rootDeviceName", "productCodes", "sriovNetSupport",
                                                 "enclaveOptions"};

Status unknown_attribute(const std::string& name) {
    return fail(ErrorCode::invalid_parameter_value,
                "Value (" + name + ") for parameter attribute is invalid. Unknown attribute.");
}

bool is_fixed(std::string_view name) {
    return std::find(std::begin(fixed_attributes), std::end(fixed_attributes), name) !=
           std::end(fixed_attributes);
}

Result<const Attribute*> find_attribute(const std::string& name) {
    for (const auto& each : attributes)
        if (each.name == name) return &each;
    if (is_fixed(name)) return tl::unexpected(unsupported(name, "given", "it cannot be changed").error());
    return tl::unexpected(unknown_attribute(name).error());
}

// Brings the form with Attribute and Value into the structured one.
Status unfold(Modify& request) {
    if (!request.attribute) {
        if (!request.value) return {};
        return fail(ErrorCode::missing_parameter, "Attribute");
    }
    LODGE_TRY(const Attribute* attribute, find_attribute(*request.attribute));
    if (!request.value)
        return attribute->is_given(request) ? Status() : fail(ErrorCode::missing_parameter, "Value");
    if (attribute->is_given(request))
        return fail(ErrorCode::invalid_parameter_combination,
                    "The attribute " + *request.attribute + " is given in two forms.");
    if (!attribute->put)
        return fail(ErrorCode::invalid_parameter_combination,
                    "The attribute " + *request.attribute + " has a parameter of its own instead of Value.");
    return attribute->put(request, *request.value);
}

// The one attribute that the request changes.
Result<const Attribute*> attribute_of(const Modify& request) {
    const Attribute* found = nullptr;
    for (const auto& each : attributes) {
        if (!each.is_given(request)) continue;
        if (found)
            return fail(ErrorCode::invalid_parameter_combination,
                        "Fields for multiple attribute types specified: " + std::string(found->name) + ", " +
                            std::string(each.name));
        found = &each;
    }
    if (found) return found;
    return fail(ErrorCode::invalid_parameter_combination, "No attributes specified.");
}

Status check_stopped(const db::instances::WithGuest& row) {
    if (state_of(row) == InstanceState::stopped) return {};
    return fail(ErrorCode::incorrect_instance_state,
                "The instance '" + row.instance.id.str() + "' is not in the 'stopped' state.");
}

void save(db::Session& session, const RequestContext& context, const Instance& instance) {
    db::instances::update_attributes(session, instance);
    wake_host(session, context, instance.host_id);
}

// --- Describing

// How each attribute that can be asked for is shown.
struct Shown {
    std::string_view name;
    void (*show)(db::Session&, const InstanceRecord&, const ec2::Instance&, Described&);
};

const Shown shown_attributes[] = {
    {"instanceType",
     [](auto&, auto& r, auto&, auto& out) { out.instance_type.emplace().value = r.instance.instance_type; }},
    {"kernel", [](auto&, auto& r, auto&,
                  auto& out) { out.kernel.emplace().value = unless_empty(r.instance.kernel_id); }},
    {"ramdisk", [](auto&, auto& r, auto&,
                   auto& out) { out.ramdisk.emplace().value = unless_empty(r.instance.ramdisk_id); }},
    {"userData",
     [](auto& session, auto& r, auto&, auto& out) {
         out.user_data.emplace().value =
             unless_empty(base64_encode(db::instances::user_data(session, r.instance.id)));
     }},
    {"disableApiTermination",
     [](auto&, auto& r, auto&, auto& out) {
         out.disable_api_termination.emplace().value = r.instance.disable_api_termination;
     }},
    {"disableApiStop", [](auto&, auto& r, auto&,
                          auto& out) { out.disable_api_stop.emplace().value = r.instance.disable_api_stop; }},
    {"instanceInitiatedShutdownBehavior",
     [](auto&, auto& r, auto&, auto& out) {
         out.instance_initiated_shutdown_behavior.emplace().value =
             r.instance.terminate_on_shutdown ? "terminate" : "stop";
     }},
    {"rootDeviceName", [](auto&, auto& r, auto&,
                          auto& out) { out.root_device_name.emplace().value = r.instance.root_device_name; }},
    {"sourceDestCheck", [](auto&, auto&, auto& shown,
                           auto& out) { out.source_dest_check.emplace().value = shown.source_dest_check; }},
    {"groupSet", [](auto&, auto&, auto& shown, auto& out) { out.groups = shown.groups; }},
    {"blockDeviceMapping",
     [](auto&, auto&, auto& shown, auto& out) { out.block_device_mapping = shown.block_device_mapping; }},
    {"ebsOptimized",
     [](auto&, auto&, auto& shown, auto& out) { out.ebs_optimized.emplace().value = shown.ebs_optimized; }},
    {"enaSupport",
     [](auto&, auto&, auto& shown, auto& out) { out.ena_support.emplace().value = shown.ena_support; }},
    {"enclaveOptions",
     [](auto&, auto&, auto& shown, auto& out) { out.enclave_options = shown.enclave_options; }},
    {"sriovNetSupport", [](auto&, auto&, auto&, auto& out) { out.sriov_net_support.emplace(); }},
    {"productCodes", [](auto&, auto&, auto&, auto&) {}},
};

// --- Resetting

Status reset_part(db::Session& session, const std::string& attribute, Instance& instance) {
    auto image = db::images::find_any(session, instance.image_id.str()).value_or(Image());
    if (attribute == "kernel") {
        instance.kernel_id = image.kernel_id;
    } else {
        instance.ramdisk_id = image.ramdisk_id;
    }
    return {};
}

}  // namespace

Result<ec2::ModifyInstanceAttributeResponse> modify_instance_attribute(
    RequestContext& context, const ec2::ModifyInstanceAttributeRequest& given) {
    auto request = given;
    LODGE_CHECK(unfold(request));
    LODGE_TRY(const Attribute* attribute, attribute_of(request));
    return context.write([&](db::Session& session) -> Result<ec2::ModifyInstanceAttributeResponse> {
        LODGE_TRY(auto row, find_living_instance(session, context, request.instance_id));
        if (attribute->stopped_only) LODGE_CHECK(check_stopped(row));
        Change change{session, context, request, row.instance};
        LODGE_CHECK(attribute->change(change));
        save(session, context, row.instance);
        return ec2::ModifyInstanceAttributeResponse{};
    });
}

Result<ec2::DescribeInstanceAttributeResponse> describe_instance_attribute(
    RequestContext& context, const ec2::DescribeInstanceAttributeRequest& request) {
    const auto* shown = std::find_if(std::begin(shown_attributes), std::end(shown_attributes),
                                     [&](const Shown& each) { return each.name == request.attribute; });
    if (shown == std::end(shown_attributes))
        return tl::unexpected(unknown_attribute(request.attribute).error());
    return context.read([&](db::Session& session) -> Result<Described> {
        LODGE_TRY(auto rows, find_instances(session, context, {request.instance_id}));
        auto record = load_one(session, std::move(rows.front()));
        Described out;
        out.instance_id = request.instance_id;
        shown->show(session, record, to_ec2(record), out);
        return out;
    });
}

Result<ec2::ResetInstanceAttributeResponse> reset_instance_attribute(
    RequestContext& context, const ec2::ResetInstanceAttributeRequest& request) {
    const auto& attribute = request.attribute;
    bool is_part = attribute == "kernel" || attribute == "ramdisk";
    if (!is_part && attribute != "sourceDestCheck")
        return fail(ErrorCode::invalid_parameter_value,
                    "Value (" + attribute + ") for parameter attribute is invalid. It cannot be reset.");
    return context.write([&](db::Session& session) -> Result<ec2::ResetInstanceAttributeResponse> {
        LODGE_TRY(auto row, find_living_instance(session, context, request.instance_id));
        if (is_part) {
            LODGE_CHECK(check_stopped(row));
            LODGE_CHECK(reset_part(session, attribute, row.instance));
        } else {
            Modify back;
            back.source_dest_check.emplace().value = true;
            Change change{session, context, back, row.instance};
            LODGE_CHECK(change_source_dest_check(change));
        }
        save(session, context, row.instance);
        return ec2::ResetInstanceAttributeResponse{};
    });
}

Result<ec2::ModifyPrivateDnsNameOptionsResponse> modify_private_dns_name_options(
    RequestContext& context, const ec2::ModifyPrivateDnsNameOptionsRequest& request) {
    if (!request.instance_id) return fail(ErrorCode::missing_parameter, "InstanceId");
    return context.write([&](db::Session& session) -> Result<ec2::ModifyPrivateDnsNameOptionsResponse> {
        LODGE_TRY(auto row, find_living_instance(session, context, *request.instance_id));
        auto& instance = row.instance;
        // The guest was told its name when it started.
        if (request.private_dns_hostname_type.value_or(instance.hostname_type) != instance.hostname_type)
            LODGE_CHECK(check_stopped(row));
        instance.hostname_type = request.private_dns_hostname_type.value_or(instance.hostname_type);
        instance.resource_name_dns_a =
            request.enable_resource_name_dns_a_record.value_or(instance.resource_name_dns_a);
        instance.resource_name_dns_aaaa =
            request.enable_resource_name_dns_aaaa_record.value_or(instance.resource_name_dns_aaaa);
        save(session, context, instance);
        for (const auto& interface : db::network_interfaces::of_instance(session, instance.id))
            network_changed(session, context, interface.vpc_id);
        return ec2::ModifyPrivateDnsNameOptionsResponse{true};
    });
}

}  // namespace lodge::api
