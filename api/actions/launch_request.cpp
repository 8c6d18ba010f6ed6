#include "api/actions/launch_request.h"

#include <algorithm>

#include "api/actions/boot_modes.h"
#include "api/actions/tagging.h"
#include "api/actions/volume_view.h"
#include "db/store/images.h"
#include "db/store/key_pairs.h"
#include "proto/base/encoding.h"

namespace lodge::api {
namespace {

constexpr std::string_view default_type = "t3.micro";

Status check_counts(const ec2::RunInstancesRequest& request) {
    if (request.min_count <= request.max_count) return {};
    return fail(ErrorCode::invalid_parameter_combination, "MinCount may not be greater than MaxCount.");
}

Status resolve_type(const RequestContext& context, const ec2::RunInstancesRequest& request,
                    LaunchWish& wish) {
    std::string name = request.instance_type.value_or(std::string(default_type));
    wish.type = context.services.catalogue.find(name);
    if (!wish.type)
        return fail(ErrorCode::invalid_parameter_value, "Invalid value '" + name + "' for InstanceType.");
    return {};
}

Status resolve_zones(const RequestContext& context, const ec2::RunInstancesRequest& request,
                     LaunchWish& wish) {
    auto zones = context.services.settings.zones_of(context.region);
    const auto& placement = request.placement;
    for (const auto& zone : zones) {
        if (placement && placement->availability_zone && *placement->availability_zone != zone.name) continue;
        if (placement && placement->availability_zone_id && *placement->availability_zone_id != zone.id)
            continue;
        wish.zones.push_back(zone.name);
    }
    if (!wish.zones.empty()) return {};
    auto named =
        placement->availability_zone ? *placement->availability_zone : *placement->availability_zone_id;
    return fail(ErrorCode::invalid_parameter_value, "Invalid availability zone: [" + named + "]");
}

bool contains(const std::vector<std::int64_t>& values, std::int64_t value) {
    return std::find(values.begin(), values.end(), value) != values.end();
}

Status resolve_cpus(const ec2::RunInstancesRequest& request, LaunchWish& wish) {
    wish.core_count = wish.type->cores;
    wish.threads_per_core = wish.type->threads_per_core;
    if (!request.cpu_options) return {};
    wish.core_count = request.cpu_options->core_count.value_or(wish.core_count);
    wish.threads_per_core = request.cpu_options->threads_per_core.value_or(wish.threads_per_core);
    if (contains(wish.type->valid_cores, wish.core_count) &&
        contains(wish.type->valid_threads_per_core, wish.threads_per_core))
        return {};
    return fail(ErrorCode::invalid_parameter_value,
                "The CPU options are not valid for the instance type " + wish.type->name + ".");
}

Status check_credits(const ec2::RunInstancesRequest& request, const LaunchWish& wish) {
    if (!request.credit_specification || wish.type->burstable) return {};
    return tl::unexpected(Error{ErrorCode::instance_credits_not_supported,
                                "The instance type " + wish.type->name + " has no CPU credits."});
}

Status resolve_user_data(const ec2::RunInstancesRequest& request, LaunchWish& wish) {
    if (!request.user_data) return {};
    auto bytes = base64_decode(*request.user_data);
    if (!bytes) return fail(ErrorCode::invalid_parameter_value, "Invalid BASE64 encoding of user data.");
    if (bytes->size() > max_user_data_bytes)
        return fail(ErrorCode::invalid_parameter_value, "User data is limited to 16384 bytes.");
    wish.user_data = std::move(*bytes);
    return {};
}

Status check_type(const Image& image, ImageType type) {
    if (image.type == type) return {};
    std::string kind = type == ImageType::machine ? "machine image" : std::string(to_text(type));
    return fail(ErrorCode::invalid_parameter_value,
                "The image '" + image.id.str() + "' is not a " + kind + ".");
}

Status resolve_disks(db::Session& session, const RequestContext& context, const LaunchWish& wish,
                     LaunchImages& out) {
    LODGE_TRY(out.disks, launch_disks(session, context, out.image, wish.disks));
    return check_volume_count(wish.type->name, wish.type->attachable_volumes() - 1,
                              std::ssize(out.disks.others));
}

Result<Image> find_image_in(db::Session& session, const RequestContext& context, const std::string& region,
                            const std::string& id) {
    if (!parse_image_id(id)) return fail(ErrorCode::invalid_ami_id_malformed, id);
    if (auto image = db::images::find_visible(session, context.account_id, region, id))
        return std::move(*image);
    auto any = db::images::find_any(session, id);
    if (any && any->account_id == context.account_id && any->region == region)
        return fail(ErrorCode::invalid_ami_id_unavailable, id);
    return fail(ErrorCode::invalid_ami_id_not_found, id);
}

Result<std::string> public_key_of(db::Session& session, const RequestContext& context,
                                  const ec2::RunInstancesRequest& request) {
    if (!request.key_name || request.key_name->empty()) return std::string();
    auto found = db::key_pairs::find_by_name(session, context.account_id, context.region, *request.key_name);
    if (found) return std::move(found->public_key);
    return fail(ErrorCode::invalid_key_pair_not_found, *request.key_name);
}

// The request's kernel or ramdisk, or the image's own, which whoever may launch the image may use.
Result<std::string> part_of(db::Session& session, const RequestContext& context,
                            const std::optional<std::string>& wish, const std::string& own, ImageType type) {
    if (wish) {
        LODGE_CHECK(check_part(session, context, *wish, type));
        return *wish;
    }
    auto part = own.empty() ? std::nullopt : db::images::find_any(session, own);
    bool there = own.empty() || (part && part->state == ImageState::available);
    return there ? Result<std::string>(own) : fail(ErrorCode::invalid_ami_id_unavailable, own);
}

Result<std::vector<ec2::Tag>> tags_of(const ec2::RunInstancesRequest& request, std::string_view type) {
    return tags_for(request.tag_specification, type, {"instance", "volume", "network-interface"});
}

}  // namespace

Result<LaunchWish> check_launch(const RequestContext& context, const ec2::RunInstancesRequest& request) {
    LaunchWish wish;
    LODGE_CHECK(check_counts(request));
    if (!request.image_id) return fail(ErrorCode::missing_parameter, "ImageId");
    LODGE_CHECK(resolve_type(context, request, wish));
    LODGE_CHECK(resolve_zones(context, request, wish));
    LODGE_CHECK(resolve_cpus(request, wish));
    LODGE_CHECK(check_credits(request, wish));
    LODGE_CHECK(resolve_user_data(request, wish));
    LODGE_TRY(wish.disks, disk_wishes(context, request));
    LODGE_TRY(wish.store_devices, store_devices(wish.disks, *wish.type));
    LODGE_TRY(wish.instance_tags, tags_of(request, "instance"));
    LODGE_TRY(wish.volume_tags, tags_of(request, "volume"));
    LODGE_TRY(wish.interface_tags, tags_of(request, "network-interface"));
    LODGE_TRY(wish.capacity, capacity_wish(request.capacity_reservation_specification));
    LODGE_TRY(wish.tenancy, tenancy_wish(request.placement));
    LODGE_TRY(wish.interfaces, check_interfaces(request, *wish.type));
    return wish;
}

Result<Image> find_image(db::Session& session, const RequestContext& context, const std::string& id) {
    return find_image_in(session, context, context.region, id);
}

Result<Image> find_available_image(db::Session& session, const RequestContext& context,
                                   const std::string& region, const std::string& id) {
    LODGE_TRY(auto image, find_image_in(session, context, region, id));
    if (image.state == ImageState::available) return image;
    return tl::unexpected(
        Error{ErrorCode::invalid_ami_id_unavailable,
              "The image id '[" + id + "]' is not available: it is " + std::string(to_text(image.state))});
}

Result<Image> find_own_image(db::Session& session, const RequestContext& context, const std::string& id) {
    LODGE_TRY(auto image, find_image(session, context, id));
    if (image.account_id == context.account_id) return image;
    return fail(ErrorCode::auth_failure, "Not authorized for image:" + id);
}

Status check_part(db::Session& session, const RequestContext& context, const std::string& id,
                  ImageType type) {
    if (id.empty()) return {};
    LODGE_TRY(auto image, find_image(session, context, id));
    return check_type(image, type);
}

Result<LaunchImages> resolve_images(db::Session& session, const RequestContext& context,
                                    const ec2::RunInstancesRequest& request, const LaunchWish& wish) {
    LaunchImages out;
    LODGE_TRY(out.image, find_available_image(session, context, context.region, *request.image_id));
    LODGE_CHECK(check_type(out.image, ImageType::machine));
    const auto& supported = wish.type->architectures;
    if (std::find(supported.begin(), supported.end(), out.image.architecture) == supported.end()) {
        return fail(ErrorCode::invalid_parameter_value,
                    "The architecture '" + out.image.architecture +
                        "' of the specified image is not supported by the " + "instance type '" +
                        wish.type->name + "'.");
    }
    LODGE_TRY(out.kernel_id,
              part_of(session, context, request.kernel_id, out.image.kernel_id, ImageType::kernel));
    LODGE_TRY(out.ramdisk_id,
              part_of(session, context, request.ramdisk_id, out.image.ramdisk_id, ImageType::ramdisk));
    LODGE_CHECK(check_boot_mode(out.image.boot_mode, out.image.architecture,
                                !out.kernel_id.empty() || !out.ramdisk_id.empty()));
    LODGE_TRY(out.boot_mode, boot_mode_on(*wish.type, out.image.boot_mode));
    LODGE_CHECK(resolve_disks(session, context, wish, out));
    LODGE_TRY(out.public_key, public_key_of(session, context, request));
    return out;
}

}  // namespace lodge::api
