#include "api/actions/image_view.h"

#include <algorithm>

#include "api/actions/words.h"
#include "scheduler/volumes/volume_types.h"

namespace lodge::api {
namespace {

ec2::ImageBlockDeviceMapping to_ec2(const ImageDisk& disk) {
    ec2::ImageEbs ebs;
    ebs.delete_on_termination = disk.delete_on_termination;
    if (volumes::may_choose_iops(disk.shape.type)) ebs.iops = unless_zero(disk.shape.iops);
    ebs.snapshot_id = unless_empty(disk.snapshot_id.str());
    ebs.throughput = unless_zero(disk.shape.throughput);
    ebs.volume_size = size_gib(disk);
    ebs.volume_type = disk.shape.type;
    ebs.encrypted = disk.encrypted;
    return {disk.device, std::move(ebs)};
}

}  // namespace

std::vector<ImageDisk> disks_of(const Image& image) {
    if (image.type != ImageType::machine) return {};
    if (!image.disks.empty()) return image.disks;
    ImageDisk root;
    root.device = image.root_device_name;
    root.shape.size_bytes = image.blob.virtual_size_bytes;
    root.shape.type = default_volume_type;
    return {root};
}

std::vector<ec2::ImageBlockDeviceMapping> block_devices_of(const Image& image) {
    std::vector<ec2::ImageBlockDeviceMapping> out;
    for (const auto& disk : disks_of(image)) out.push_back(to_ec2(disk));
    return out;
}

std::int64_t size_gib(const ImageDisk& disk) {
    return std::max<std::int64_t>(1, gib_of(disk.shape.size_bytes));
}

}  // namespace lodge::api
