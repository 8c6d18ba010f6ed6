#include "api/actions/launch_disks.h"

#include <algorithm>
#include <set>

#include "api/actions/image_view.h"
#include "api/actions/snapshot_view.h"
#include "db/store/snapshots.h"
#include "proto/base/number.h"

namespace lodge::api {
namespace {

DiskWish wish_of(const ec2::RunBlockDeviceMapping& mapping) {
    const auto ebs = mapping.ebs.value_or(ec2::RunEbs());
    DiskWish wish;
    wish.device = *mapping.device_name;
    wish.left_out = mapping.no_device.has_value();
    wish.snapshot_id = ebs.snapshot_id.value_or("");
    wish.change = shape_change(ebs);
    wish.delete_on_termination = ebs.delete_on_termination;
    wish.encryption = encryption_wish(ebs);
    wish.virtual_name = mapping.virtual_name.value_or("");
    return wish;
}

// Of a volume whose snapshot is known.
Status put_encryption(db::Session& session, const RequestContext& context, const EncryptionWish& wish,
                      LaunchVolume& out) {
    const bool data_is = out.snapshot && !out.snapshot->key_id.empty();
    LODGE_TRY(out.encrypted,
              is_to_be_encrypted(session, context, data_is, wish, ErrorCode::invalid_block_device_mapping));
    return {};
}

// A disk of the image's as it is to be in this launch: of imported content, of a snapshot, or empty. It may
// be smaller than the image says, if it holds what it begins with.
Result<LaunchVolume> image_volume(db::Session& session, const RequestContext& context, const ImageDisk& disk,
                                  const DiskWish& wish, bool is_root) {
    LaunchVolume out;
    out.device = disk.device;
    LODGE_TRY(out.shape, changed_shape(disk.shape, wish.change));
    out.delete_on_termination = wish.delete_on_termination.value_or(disk.delete_on_termination);
    EncryptionWish encryption = wish.encryption;
    if (!encryption.encrypted && disk.encrypted) encryption.encrypted = true;
    if (disk.snapshot_id.empty()) {
        if (is_root)
            LODGE_CHECK(check_holds(out.shape, disk.shape.size_bytes, "the image's disk",
                                    ErrorCode::invalid_block_device_mapping));
    } else {
        const auto& id = disk.snapshot_id.str();
        out.snapshot = db::snapshots::find_any(session, id);
        if (!out.snapshot) return fail(ErrorCode::invalid_snapshot_not_found, id);
        LODGE_CHECK(check_holds(out.shape, out.snapshot->volume_size_bytes, "snapshot '" + id + "'",
                                ErrorCode::invalid_block_device_mapping));
    }
    LODGE_CHECK(put_encryption(session, context, encryption, out));
    return out;
}

// One that the image has not.
Result<LaunchVolume> new_disk(db::Session& session, const RequestContext& context, const DiskWish& wish) {
    LaunchVolume out;
    out.device = wish.device;
    out.delete_on_termination = wish.delete_on_termination.value_or(true);
    if (!wish.snapshot_id.empty()) {
        LODGE_TRY(out.snapshot, find_completed_snapshot(session, context, wish.snapshot_id));
        LODGE_TRY(out.shape, shape_on(*out.snapshot, default_volume_type, wish.change,
                                      ErrorCode::invalid_block_device_mapping));
    } else {
        if (!wish.change.size_gib) return fail(ErrorCode::missing_parameter, "size or snapshotId");
        const VolumeShape none{0, std::string(default_volume_type), 0, 0};
        LODGE_TRY(out.shape, changed_shape(none, wish.change));
    }
    LODGE_CHECK(put_encryption(session, context, wish.encryption, out));
    return out;
}

// Whether the request puts another snapshot in place of the image's disk.
bool replaces(const DiskWish& wish, const ImageDisk& disk) {
    return !wish.snapshot_id.empty() && wish.snapshot_id != disk.snapshot_id.str();
}

Result<LaunchVolume> root_volume(db::Session& session, const RequestContext& context, const ImageDisk& disk,
                                 const DiskWish& wish) {
    if (wish.left_out)
        return fail(ErrorCode::invalid_block_device_mapping,
                    "The root device '" + disk.device + "' cannot be left out.");
    if (replaces(wish, disk))
        return fail(ErrorCode::invalid_block_device_mapping,
                    "The snapshot of the root device '" + disk.device + "' is the image's.");
    return image_volume(session, context, disk, wish, true);
}

// Empty for a device that the request does not speak of.
DiskWish find_wish(const std::vector<DiskWish>& wishes, const std::string& device) {
    const auto found = std::find_if(wishes.begin(), wishes.end(),
                                    [&](const DiskWish& wish) { return wish.device == device; });
    return found == wishes.end() ? DiskWish() : *found;
}

bool has_device(const std::vector<ImageDisk>& disks, const std::string& device) {
    return std::any_of(disks.begin(), disks.end(),
                       [&](const ImageDisk& disk) { return disk.device == device; });
}

}  // namespace

Result<std::vector<DiskWish>> disk_wishes(const RequestContext& context,
                                          const ec2::RunInstancesRequest& request) {
    LODGE_CHECK(check_mappings(request.block_device_mapping));
    std::vector<DiskWish> wishes;
    for (const auto& mapping : request.block_device_mapping) {
        if (mapping.virtual_name && (mapping.ebs || mapping.no_device))
            return fail(ErrorCode::invalid_block_device_mapping,
                        "The mapping of '" + *mapping.device_name + "' has VirtualName and Ebs or NoDevice");
        wishes.push_back(wish_of(mapping));
        LODGE_CHECK(check_encryption(context, wishes.back().encryption));
    }
    return wishes;
}

Result<std::string> store_devices(const std::vector<DiskWish>& wishes, const catalogue::InstanceType& type) {
    std::string out;
    std::set<std::uint8_t> named;
    constexpr std::string_view prefix = "ephemeral";
    for (const auto& wish : wishes) {
        if (wish.virtual_name.empty()) continue;
        const auto number = wish.virtual_name.starts_with(prefix)
                                ? parse_number<std::uint8_t>(wish.virtual_name.substr(prefix.size()))
                                : std::nullopt;
        if (!number || *number >= type.instance_disks || !named.insert(*number).second)
            return fail(ErrorCode::invalid_block_device_mapping,
                        "The VirtualName '" + wish.virtual_name + "' of '" + wish.device +
                            "' is not one of the " + std::to_string(type.instance_disks) +
                            " instance-store disks of the type " + type.name + ", or is used twice.");
        out += (out.empty() ? "" : ",") + wish.virtual_name + "=" + wish.device;
    }
    return out;
}

Result<LaunchDisks> launch_disks(db::Session& session, const RequestContext& context, const Image& image,
                                 const std::vector<DiskWish>& wishes) {
    LaunchDisks out;
    DeviceNames names(image.root_device_name);
    const auto disks = disks_of(image);
    for (const auto& disk : disks) {
        const auto wish = find_wish(wishes, disk.device);
        if (!wish.virtual_name.empty())
            return fail(ErrorCode::invalid_block_device_mapping, "The device '" + disk.device +
                                                                     "' is a disk of the image's, and not " +
                                                                     wish.virtual_name + ".");
        if (disk.device == image.root_device_name) {
            LODGE_TRY(out.root, root_volume(session, context, disk, wish));
        } else if (!wish.left_out) {
            LODGE_CHECK(names.take(disk.device));
            LODGE_TRY(auto volume, replaces(wish, disk) ? new_disk(session, context, wish)
                                                        : image_volume(session, context, disk, wish, false));
            out.others.push_back(std::move(volume));
        }
    }
    for (const auto& wish : wishes) {
        if (wish.left_out || has_device(disks, wish.device)) continue;
        LODGE_CHECK(names.take(wish.device));
        if (!wish.virtual_name.empty()) continue;
        LODGE_TRY(auto volume, new_disk(session, context, wish));
        out.others.push_back(std::move(volume));
    }
    return out;
}

}  // namespace lodge::api
