#include "api/actions/block_devices.h"

#include "api/actions/image_view.h"
#include "api/actions/words.h"
#include "scheduler/volumes/devices.h"
#include "scheduler/volumes/volume_types.h"

namespace lodge::api {

Status DeviceNames::take(const std::string& device) {
    const auto target = volumes::disk_target(device);
    if (!target)
        return fail(ErrorCode::invalid_block_device_mapping,
                    "'" + device + "' is not a valid EBS device name.");
    if (device != root_device_ && taken_.insert(*target).second) return {};
    return fail(ErrorCode::invalid_block_device_mapping,
                "The device '" + device + "' is the root device (" + root_device_ +
                    ") or used in more than one block-device mapping");
}

Result<VolumeShape> changed_shape(const VolumeShape& base, const ShapeChange& change) {
    volumes::Wish wish{change.type.value_or(base.type), change.size_gib.value_or(gib_of(base.size_bytes)),
                       change.iops, change.throughput};
    if (wish.type == base.type) {
        if (!wish.iops && volumes::may_choose_iops(wish.type)) wish.iops = unless_zero(base.iops);
        if (!wish.throughput) wish.throughput = unless_zero(base.throughput);
    }
    LODGE_TRY(auto shape, volumes::shape_of(wish));
    if (!change.size_gib) shape.size_bytes = base.size_bytes;
    return shape;
}

Result<VolumeShape> shape_on(const Snapshot& snapshot, std::string_view type, const ShapeChange& change,
                             ErrorCode too_small) {
    const VolumeShape base{snapshot.volume_size_bytes, std::string(type)};
    LODGE_TRY(auto shape, changed_shape(base, change));
    LODGE_CHECK(
        check_holds(shape, snapshot.volume_size_bytes, "snapshot '" + snapshot.id.str() + "'", too_small));
    return shape;
}

Status check_holds(const VolumeShape& shape, std::int64_t least_bytes, const std::string& what,
                   ErrorCode code) {
    if (shape.size_bytes >= least_bytes) return {};
    return fail(code, "Volume of size " + std::to_string(gib_of(shape.size_bytes)) + "GB is smaller than " +
                          what + ", expect size >= " + std::to_string(gib_of(least_bytes)) + "GB");
}

}  // namespace lodge::api
