// CreateImage: an image of an instance's disks as they are. Source: EC2 reference, "CreateImage".
#include <algorithm>

#include "api/actions/encryption.h"
#include "api/actions/image_making.h"
#include "api/actions/instance_view.h"
#include "api/actions/snapshot_view.h"
#include "api/actions/tagging.h"
#include "api/actions/volume_view.h"
#include "api/actions/words.h"
#include "db/store/images.h"
#include "db/store/volumes.h"
#include "scheduler/lifecycle/lifecycle.h"
#include "scheduler/reconcile/events.h"
#include "scheduler/volumes/volume_types.h"

namespace lodge::api {
namespace {

// What a volume of the instance's is to be in the image, but for its snapshot.
Result<ImageDisk> disk_like(const Volume& volume, const ec2::ImageDeviceRequest* mapping) {
    const auto wish = mapping ? mapping->ebs.value_or(ec2::ImageEbsRequest()) : ec2::ImageEbsRequest();
    if (wish.snapshot_id)
        return fail(ErrorCode::invalid_block_device_mapping,
                    "The device '" + volume.device + "' is of the volume '" + volume.id.str() +
                        "': its snapshot is made with the image, and cannot be chosen.");
    ImageDisk disk;
    disk.device = volume.device;
    disk.delete_on_termination = wish.delete_on_termination.value_or(volume.delete_on_termination);
    disk.encrypted = !volume.key_id.empty();
    LODGE_CHECK(check_stays(disk.encrypted, encryption_wish(wish), ErrorCode::invalid_block_device_mapping));
    LODGE_TRY(disk.shape, changed_shape(volumes::present_shape(volume), shape_change(wish)));
    LODGE_CHECK(check_holds(disk.shape, volume.size_bytes, "volume '" + volume.id.str() + "'",
                            ErrorCode::invalid_block_device_mapping));
    return disk;
}

// Makes one image, inside its transaction.
class ImageOfInstance {
  public:
    ImageOfInstance(db::Session& session, const RequestContext& context,
                    const ec2::CreateImageRequest& request, const ImageTags& tags)
        : session_(session), context_(context), request_(request), tags_(tags) {}

    Result<ImageId> make() {
        LODGE_TRY(auto rows, find_instances(session_, context_, {request_.instance_id}));
        auto& row = rows.front();
        LODGE_CHECK(require_settled(row));
        if (row.instance.root_volume_id.empty())
            return fail(ErrorCode::incorrect_state, "Instance '" + row.instance.id.str() +
                                                        "' does not have a volume attached at root (" +
                                                        row.instance.root_device_name + ")");
        LODGE_TRY(image_, new_image(session_, context_, request_.name));
        describe(row.instance);
        LODGE_CHECK(add_volumes(row.instance));
        LODGE_CHECK(add_disks(row.instance));
        db::images::insert(session_, image_);
        put_tags(session_, context_, image_.id.str(), "image", tags_.image);
        if (state_of(row) == InstanceState::running && !request_.no_reboot.value_or(false)) reboot(row);
        return image_.id;
    }

  private:
    void describe(const Instance& instance) {
        image_.description = request_.description.value_or("");
        image_.architecture = instance.architecture;
        image_.boot_mode = instance.boot_mode;
        image_.root_device_name = instance.root_device_name;
        image_.kernel_id = instance.kernel_id;
        image_.ramdisk_id = instance.ramdisk_id;
        if (const auto of = db::images::find_any(session_, instance.image_id.str()))
            image_.kernel_cmdline = of->kernel_cmdline;
    }

    // The root disk comes first.
    Status add_volumes(const Instance& instance) {
        for (auto& volume : attached_volumes(session_, instance.id)) {
            devices_.push_back(volume.device);
            const auto* mapping = find_mapping(request_.block_device_mapping, volume.device);
            if (mapping && mapping->no_device) {
                if (!volume.is_root) continue;
                return fail(ErrorCode::invalid_block_device_mapping,
                            "The root device '" + volume.device + "' cannot be left out.");
            }
            LODGE_TRY(auto disk, disk_like(volume, mapping));
            LODGE_CHECK(take(volume, disk));
            image_.disks.push_back(std::move(disk));
        }
        return {};
    }

    // The image waits for what its host has still to send.
    Status take(Volume& volume, ImageDisk& disk) {
        const auto description =
            "Created by CreateImage(" + volume.instance_id.str() + ") for " + image_.id.str();
        LODGE_TRY(const auto snapshot, take_snapshot(session_, context_, volume, description));
        put_tags(session_, context_, snapshot.id.str(), "snapshot", tags_.snapshot);
        if (snapshot.state == SnapshotState::pending) image_.state = ImageState::pending;
        disk.snapshot_id = snapshot.id;
        return {};
    }

    // Disks that the instance does not have. One that is not to be there is not.
    Status add_disks(const Instance& instance) {
        DeviceNames names(instance.root_device_name);
        for (const auto& disk : image_.disks)
            if (disk.device != instance.root_device_name) LODGE_CHECK(names.take(disk.device));
        for (const auto& mapping : request_.block_device_mapping) {
            const bool known =
                std::find(devices_.begin(), devices_.end(), *mapping.device_name) != devices_.end();
            if (known || mapping.no_device) continue;
            LODGE_CHECK(names.take(*mapping.device_name));
            LODGE_TRY(auto disk, disk_of_mapping(session_, context_, mapping));
            image_.disks.push_back(std::move(disk));
        }
        return {};
    }

    // The host cuts the disks when the guest has gone down, and so has written everything out.
    void reboot(db::instances::WithGuest& row) {
        scheduler::want_reboot(row.instance);
        scheduler::record(session_, context_.now_ms(), context_.account_id, row.instance.id.str(), "reboot",
                          "asked to reboot for the image " + image_.id.str());
        db::instances::update(session_, row.instance);
        wake_host(session_, context_, row.instance.host_id);
    }

    db::Session& session_;
    const RequestContext& context_;
    const ec2::CreateImageRequest& request_;
    const ImageTags& tags_;
    Image image_;
    std::vector<std::string> devices_;  // the instance's
};

}  // namespace

Result<ec2::CreateImageResponse> create_image(RequestContext& context,
                                              const ec2::CreateImageRequest& request) {
    LODGE_TRY(const auto tags, image_tags(request.tag_specification));
    LODGE_CHECK(check_mappings(request.block_device_mapping));
    return context.write([&](db::Session& session) -> Result<ec2::CreateImageResponse> {
        LODGE_TRY(const auto id, ImageOfInstance(session, context, request, tags).make());
        return ec2::CreateImageResponse{id.str()};
    });
}

}  // namespace lodge::api
