// DescribeImageAttribute, ModifyImageAttribute, ResetImageAttribute.
#include "proto/ec2/image_attributes.h"

#include <algorithm>

#include "api/actions/image_view.h"
#include "api/actions/launch_request.h"
#include "api/actions/sharing.h"
#include "api/actions/words.h"
#include "db/store/images.h"
#include "proto/base/encoding.h"

namespace lodge::api {
namespace {

using Described = ec2::DescribeImageAttributeResponse;
using Modify = ec2::ModifyImageAttributeRequest;

constexpr std::size_t max_description_bytes = 255;

Status unknown_attribute(const std::string& name) {
    return fail(ErrorCode::invalid_parameter_value,
                "Value (" + name + ") for parameter attribute is invalid. Unknown attribute.");
}

// --- Describing

void show_permissions(db::Session& session, const Image& image, Described& out) {
    if (image.is_public) out.launch_permission.emplace_back().group = "all";
    for (auto& account : db::images::launch_permissions(session, image.id))
        out.launch_permission.emplace_back().user_id = std::move(account);
}

// How each attribute is shown; some to the owner alone.
struct Shown {
    std::string_view name;
    void (*show)(db::Session&, const Image&, Described&);
    bool owner_only = false;
};

const Shown shown_attributes[] = {
    {"description", [](auto&, auto& image,
                       auto& out) { out.description.emplace().value = unless_empty(image.description); }},
    {"kernel",
     [](auto&, auto& image, auto& out) { out.kernel.emplace().value = unless_empty(image.kernel_id); }},
    {"ramdisk",
     [](auto&, auto& image, auto& out) { out.ramdisk.emplace().value = unless_empty(image.ramdisk_id); }},
    {"launchPermission", show_permissions, true},
    {"productCodes", [](auto&, auto&, auto&) {}},
    {"blockDeviceMapping",
     [](auto&, auto& image, auto& out) { out.block_device_mapping = block_devices_of(image); }},
    {"sriovNetSupport", [](auto&, auto&, auto& out) { out.sriov_net_support.emplace(); }},
    {"bootMode", [](auto&, auto& image,
                    auto& out) { out.boot_mode.emplace().value = std::string(to_text(image.boot_mode)); }},
    {"tpmSupport", [](auto&, auto&, auto& out) { out.tpm_support.emplace(); }},
    {"uefiData", [](auto&, auto&, auto& out) { out.uefi_data.emplace(); }, true},
    {"lastLaunchedTime",
     [](auto&, auto& image, auto& out) {
         auto& value = out.last_launched_time.emplace().value;
         if (image.last_launched_ms > 0) value = format_time(image.last_launched_ms);
     },
     true},
    {"imdsSupport", [](auto&, auto&, auto& out) { out.imds_support.emplace(); }},
    {"deregistrationProtection",
     [](auto&, auto&, auto& out) { out.deregistration_protection.emplace().value = "disabled"; }, true},
};

// --- Changing

// A new description, in either form; nothing if the request is about something else.
std::optional<std::string> description_of(const Modify& request) {
    if (request.description) return request.description->value.value_or("");
    bool flat = request.attribute == "description" && request.value;
    return flat ? request.value : std::nullopt;
}

// The forms that go with Attribute, and what may stand beside each other.
Status check_form(const Modify& request) {
    const auto& name = request.attribute;
    bool permissions = request.launch_permission || !request.user_id.empty() || !request.user_group.empty();
    if (name && *name == "productCodes")
        return fail(ErrorCode::unsupported_operation,
                    "The attribute productCodes is not supported: there is no marketplace.");
    // Beside a structure that says it all some clients spell it otherwise ("LaunchPermission", say).
    const bool said = request.description || request.launch_permission;
    if (name && !said && *name != "description" && *name != "launchPermission")
        return unknown_attribute(*name);
    bool other = (name == "description" && permissions) ||
                 (name == "launchPermission" && request.description) ||
                 (request.description && permissions) || (request.description && request.value);
    if (other)
        return fail(ErrorCode::invalid_parameter_combination, "Only one attribute can be changed at a time.");
    if (request.value && name != "description")
        return name ? fail(ErrorCode::invalid_parameter_combination, "Value goes with the description only.")
                    : fail(ErrorCode::missing_parameter, "Attribute");
    return {};
}

bool has_encrypted_data(const Image& image) {
    return std::any_of(image.disks.begin(), image.disks.end(),
                       [](const ImageDisk& disk) { return disk.encrypted && !disk.snapshot_id.empty(); });
}

}  // namespace

Result<Described> describe_image_attribute(RequestContext& context,
                                           const ec2::DescribeImageAttributeRequest& request) {
    const auto* shown = std::find_if(std::begin(shown_attributes), std::end(shown_attributes),
                                     [&](const Shown& each) { return each.name == request.attribute; });
    if (shown == std::end(shown_attributes))
        return tl::unexpected(unknown_attribute(request.attribute).error());
    return context.read([&](db::Session& session) -> Result<Described> {
        auto find = shown->owner_only ? find_own_image : find_image;
        LODGE_TRY(auto image, find(session, context, request.image_id));
        Described out;
        out.image_id = image.id.str();
        shown->show(session, image, out);
        return out;
    });
}

Result<ec2::ModifyImageAttributeResponse> modify_image_attribute(
    RequestContext& context, const ec2::ModifyImageAttributeRequest& request) {
    LODGE_CHECK(check_form(request));
    LODGE_TRY(const auto permissions, permission_change(request, request.launch_permission));
    auto description = description_of(request);
    if (permissions.empty() && !description)
        return fail(ErrorCode::invalid_parameter_combination, "No attributes specified.");
    if (description && description->size() > max_description_bytes)
        return fail(ErrorCode::invalid_parameter_value, "A description has 255 characters at most.");
    return context.write([&](db::Session& session) -> Result<ec2::ModifyImageAttributeResponse> {
        LODGE_TRY(auto image, find_own_image(session, context, request.image_id));
        if (!permissions.add.empty() && has_encrypted_data(image))
            return fail(ErrorCode::invalid_parameter,
                        "An image of encrypted snapshots cannot be shared: the account's key opens them.");
        LODGE_CHECK(check_permissions(session, permissions, ErrorCode::invalid_ami_attribute_item_value));
        apply_permissions(session, permissions, image, db::images::add_launch_permission,
                          db::images::erase_launch_permission);
        image.description = description.value_or(image.description);
        db::images::update_attributes(session, image);
        return ec2::ModifyImageAttributeResponse{};
    });
}

Result<ec2::ResetImageAttributeResponse> reset_image_attribute(
    RequestContext& context, const ec2::ResetImageAttributeRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::ResetImageAttributeResponse> {
        LODGE_TRY(auto image, find_own_image(session, context, request.image_id));
        image.is_public = false;
        db::images::update_attributes(session, image);
        db::images::erase_launch_permissions(session, image.id);
        return ec2::ResetImageAttributeResponse{};
    });
}

}  // namespace lodge::api
