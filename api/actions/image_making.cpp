#include "api/actions/image_making.h"

#include "api/actions/encryption.h"
#include "api/actions/image_names.h"
#include "api/actions/image_view.h"
#include "api/actions/launch_request.h"
#include "api/actions/snapshot_view.h"
#include "api/actions/tagging.h"
#include "db/store/images.h"

namespace lodge::api {

Result<Image> new_image(db::Session& session, const RequestContext& context, const std::string& name) {
    LODGE_CHECK(check_image_name(name));
    if (auto taken = db::images::find_by_name(session, context.account_id, context.region, name))
        return fail(ErrorCode::invalid_ami_name_duplicate, name, taken->id.str());
    Image image;
    image.id = make_image_id(context.services.random, ImageType::machine);
    image.account_id = context.account_id;
    image.region = context.region;
    image.name = name;
    image.location = context.account_id + "/" + name;
    image.created_ms = context.now_ms();
    return image;
}

Status take_content(db::Session& session, const RequestContext& context, const Image& source, Image& image) {
    image.architecture = source.architecture;
    image.blob = source.blob;
    image.root_device_name = source.root_device_name;
    image.kernel_id = source.kernel_id;
    image.ramdisk_id = source.ramdisk_id;
    image.kernel_cmdline = source.kernel_cmdline;
    image.boot_mode = source.boot_mode;
    return check_parts(session, context, image);
}

Status check_parts(db::Session& session, const RequestContext& context, const Image& image) {
    LODGE_CHECK(check_part(session, context, image.kernel_id, ImageType::kernel));
    return check_part(session, context, image.ramdisk_id, ImageType::ramdisk);
}

Result<ImageTags> image_tags(const std::vector<ec2::TagSpecification>& specifications) {
    ImageTags out;
    LODGE_TRY(out.image, tags_for(specifications, "image", {"image", "snapshot"}));
    LODGE_TRY(out.snapshot, tags_for(specifications, "snapshot", {"image", "snapshot"}));
    return out;
}

Result<ImageDisk> disk_of_mapping(db::Session& session, const RequestContext& context,
                                  const ec2::ImageDeviceRequest& mapping) {
    const auto ebs = mapping.ebs.value_or(ec2::ImageEbsRequest());
    ImageDisk disk;
    disk.device = *mapping.device_name;
    disk.delete_on_termination = ebs.delete_on_termination.value_or(true);
    LODGE_CHECK(check_encryption(context, encryption_wish(ebs)));
    if (!ebs.snapshot_id) {
        disk.encrypted = ebs.encrypted.value_or(false);
        if (!ebs.volume_size) return fail(ErrorCode::missing_parameter, "size or snapshotId");
        const VolumeShape none{0, std::string(default_volume_type), 0, 0};
        LODGE_TRY(disk.shape, changed_shape(none, shape_change(ebs)));
        return disk;
    }
    LODGE_TRY(const auto snapshot, find_completed_snapshot(session, context, *ebs.snapshot_id));
    disk.snapshot_id = snapshot.id;
    disk.encrypted = !snapshot.key_id.empty();
    LODGE_CHECK(check_stays(disk.encrypted, encryption_wish(ebs), ErrorCode::invalid_block_device_mapping));
    LODGE_TRY(disk.shape, shape_on(snapshot, default_volume_type, shape_change(ebs),
                                   ErrorCode::invalid_block_device_mapping));
    return disk;
}

}  // namespace lodge::api
