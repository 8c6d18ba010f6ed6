// RegisterImage, CopyImage: images of what there is already, be it content that was imported or snapshots.
#include <algorithm>

#include "api/actions/boot_modes.h"
#include "api/actions/encryption.h"
#include "api/actions/image_making.h"
#include "api/actions/image_view.h"
#include "api/actions/launch_request.h"
#include "api/actions/network.h"
#include "api/actions/snapshot_view.h"
#include "api/actions/tagging.h"
#include "db/store/images.h"
#include "db/store/snapshots.h"

namespace lodge::api {
namespace {

// --- Registering

// Content to register by: an image the account sees, named by ID or location, or a hash that one of them has.
Result<Image> find_source(db::Session& session, const RequestContext& context, const std::string& location) {
    if (parse_image_id(location)) return find_image(session, context, location);
    if (location.starts_with("sha256:")) {
        if (auto image = db::images::find_visible_content(session, context.account_id, location.substr(7)))
            return std::move(*image);
    }
    for (auto& image : db::images::list_visible(session, context.account_id, context.region))
        if (image.location == location) return std::move(image);
    return fail(ErrorCode::invalid_parameter_value,
                "The ImageLocation '" + location +
                    "' names no image that you may use (give an image ID, ACCOUNT/NAME, or "
                    "sha256:HASH of imported content).");
}

Status fill_by_location(db::Session& session, const RequestContext& context,
                        const ec2::RegisterImageRequest& request, Image& image) {
    LODGE_TRY(auto source, find_source(session, context, *request.image_location));
    if (source.type != ImageType::machine)
        return fail(ErrorCode::invalid_parameter_value, "The ImageLocation names a kernel or ramdisk.");
    if (source.blob.sha256.empty())
        return fail(ErrorCode::invalid_parameter_value,
                    "The ImageLocation names an image that is made of snapshots: copy it by CopyImage, or "
                    "give its snapshots by BlockDeviceMapping.");
    // The source's too are checked: it may be of another region, or have parts that are the operator's alone.
    source.kernel_id = request.kernel_id.value_or(source.kernel_id);
    source.ramdisk_id = request.ramdisk_id.value_or(source.ramdisk_id);
    LODGE_CHECK(take_content(session, context, source, image));
    image.architecture = request.architecture.value_or(image.architecture);
    image.root_device_name = request.root_device_name.value_or(image.root_device_name);
    return {};
}

// Where the request names none, and has one disk, there is no other.
Result<std::string> root_device_of(const ec2::RegisterImageRequest& request) {
    if (request.root_device_name) return *request.root_device_name;
    std::vector<std::string> devices;
    for (const auto& mapping : request.block_device_mapping)
        if (!mapping.no_device) devices.push_back(*mapping.device_name);
    if (devices.size() != 1) return fail(ErrorCode::missing_parameter, "RootDeviceName");
    return devices.front();
}

// Root disk first. A device that is to be left out is in no image of snapshots anyway.
Status put_disks(db::Session& session, const RequestContext& context,
                 const std::vector<ec2::ImageDeviceRequest>& mappings, Image& image) {
    const auto* root = find_mapping(mappings, image.root_device_name);
    if (root == nullptr || !root->ebs || !root->ebs->snapshot_id)
        return fail(ErrorCode::invalid_block_device_mapping,
                    "The root device '" + image.root_device_name + "' must have a snapshot");
    LODGE_TRY(auto root_disk, disk_of_mapping(session, context, *root));
    image.disks.push_back(std::move(root_disk));
    DeviceNames names(image.root_device_name);
    for (const auto& mapping : mappings) {
        if (&mapping == root || mapping.no_device) continue;
        LODGE_CHECK(names.take(*mapping.device_name));
        LODGE_TRY(auto disk, disk_of_mapping(session, context, mapping));
        image.disks.push_back(std::move(disk));
    }
    return {};
}

// What the kernel was told when the root disk's content was imported: it names the root file system.
std::string command_line_of(db::Session& session, const ImageDisk& root) {
    const auto snapshot = db::snapshots::find_any(session, root.snapshot_id.str());
    if (!snapshot || snapshot->image_id.empty()) return "";
    const auto image = db::images::find_any(session, snapshot->image_id.str());
    return image ? image->kernel_cmdline : "";
}

Status fill_by_snapshots(db::Session& session, const RequestContext& context,
                         const ec2::RegisterImageRequest& request, Image& image) {
    image.architecture = request.architecture.value_or("x86_64");
    LODGE_TRY(image.root_device_name, root_device_of(request));
    LODGE_CHECK(put_disks(session, context, request.block_device_mapping, image));
    image.kernel_id = request.kernel_id.value_or("");
    image.ramdisk_id = request.ramdisk_id.value_or("");
    LODGE_CHECK(check_parts(session, context, image));
    if (!image.kernel_id.empty()) image.kernel_cmdline = command_line_of(session, image.disks.front());
    return {};
}

Status check_form(const ec2::RegisterImageRequest& request) {
    const bool has_mappings = !request.block_device_mapping.empty();
    if (!request.image_location && !has_mappings)
        return fail(ErrorCode::missing_parameter, "ImageLocation or BlockDeviceMapping");
    if (request.image_location && has_mappings)
        return fail(ErrorCode::invalid_parameter_combination,
                    "ImageLocation names content that was imported, BlockDeviceMapping names snapshots: an "
                    "image is of either.");
    return check_mappings(request.block_device_mapping);
}

// --- Copying

Result<Image> find_original(db::Session& session, const RequestContext& context,
                            const ec2::CopyImageRequest& request) {
    LODGE_TRY(auto source,
              find_available_image(session, context, request.source_region, request.source_image_id));
    if (source.type == ImageType::machine) return source;
    return fail(ErrorCode::invalid_parameter_value,
                "The image '" + source.id.str() + "' is a kernel or ramdisk, which cannot be copied.");
}

// With its own snapshots, so that it does not depend on the original's. Who may only launch an image does not
// get its disks for that: the snapshots must be shared as well.
Status copy_disks(db::Session& session, const RequestContext& context, const Image& source,
                  const std::vector<ec2::Tag>& tags, Image& image) {
    for (auto disk : source.disks) {
        const auto id = disk.snapshot_id.str();
        if (!id.empty()) {
            const auto snapshot = db::snapshots::find_visible(session, context.account_id, source.region, id);
            if (!snapshot)
                return fail(ErrorCode::operation_not_permitted,
                            "You do not have permission to access the storage of this ami");
            const auto made =
                make_copy(session, context, *snapshot,
                          "Copied for " + image.id.str() + " from " + id + " of " + source.id.str());
            put_tags(session, context, made.id.str(), "snapshot", tags);
            disk.snapshot_id = made.id;
        }
        image.disks.push_back(std::move(disk));
    }
    return {};
}

// What the image's disks begin with stays as it is; each of them, also imported content, which is not.
Status check_encryption_of_copy(const Image& source, const ec2::CopyImageRequest& request) {
    for (const auto& disk : disks_of(source))
        LODGE_CHECK(check_copy(disk.encrypted, encryption_wish(request)));
    return {};
}

// Who copies an image of another account's copies what they call it themselves; given tags win.
Status put_image_tags(db::Session& session, const RequestContext& context,
                      const ec2::CopyImageRequest& request, const Image& source, std::vector<ec2::Tag> tags,
                      const Image& image) {
    if (request.copy_image_tags.value_or(false)) {
        const auto own = db::tags::of(session, context.account_id, source.id.str());
        LODGE_TRY(tags, with_more_tags(std::move(tags), own));
    }
    put_tags(session, context, image.id.str(), "image", tags);
    return {};
}

}  // namespace

Result<ec2::RegisterImageResponse> register_image(RequestContext& context,
                                                  const ec2::RegisterImageRequest& request) {
    LODGE_TRY(const auto tags, tags_for(request.tag_specification, "image", {"image"}));
    LODGE_CHECK(check_form(request));
    return context.write([&](db::Session& session) -> Result<ec2::RegisterImageResponse> {
        LODGE_TRY(auto image, new_image(session, context, request.name));
        image.description = request.description.value_or("");
        LODGE_CHECK(request.image_location ? fill_by_location(session, context, request, image)
                                           : fill_by_snapshots(session, context, request, image));
        if (request.boot_mode)
            image.boot_mode = from_text<BootMode>(*request.boot_mode).value_or(image.boot_mode);
        LODGE_CHECK(check_boot_mode(image.boot_mode, image.architecture,
                                    !image.kernel_id.empty() || !image.ramdisk_id.empty()));
        db::images::insert(session, image);
        put_tags(session, context, image.id.str(), "image", tags);
        return ec2::RegisterImageResponse{image.id.str()};
    });
}

Result<ec2::CopyImageResponse> copy_image(RequestContext& context, const ec2::CopyImageRequest& request) {
    LODGE_CHECK(check_region(context, request.source_region, "SourceRegion"));
    LODGE_CHECK(check_encryption(context, encryption_wish(request)));
    LODGE_TRY(const auto tags, image_tags(request.tag_specification));
    return context.write([&](db::Session& session) -> Result<ec2::CopyImageResponse> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        if (earlier) return ec2::CopyImageResponse{*earlier};
        LODGE_TRY(const auto source, find_original(session, context, request));
        LODGE_TRY(auto image, new_image(session, context, request.name));
        image.description = request.description.value_or(source.description);
        LODGE_CHECK(check_encryption_of_copy(source, request));
        LODGE_CHECK(take_content(session, context, source, image));
        LODGE_CHECK(copy_disks(session, context, source, tags.snapshot, image));
        db::images::insert(session, image);
        LODGE_CHECK(put_image_tags(session, context, request, source, tags.image, image));
        remember(session, context, request.client_token, image.id.str());
        return ec2::CopyImageResponse{image.id.str()};
    });
}

}  // namespace lodge::api
