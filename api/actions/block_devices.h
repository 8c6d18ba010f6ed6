// Block-device mappings as requests give them, for instances and for images: names of devices, and what they
// say of a disk over what it would be by itself. Source: EC2 user guide, "Block device mappings for volumes
// on Amazon EC2 instances".
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "proto/model/snapshot.h"
#include "proto/model/volume.h"

namespace lodge::api {

// Each mapping has a device, and no device has two: MissingParameter, InvalidBlockDeviceMapping. So it is for
// one that is both to be there and to be left out.
template <class Mapping>
Status check_mappings(const std::vector<Mapping>& mappings) {
    std::set<std::string> named;
    for (const auto& mapping : mappings) {
        if (!mapping.device_name)
            return fail(ErrorCode::missing_parameter,
                        "BlockDeviceMapping." + std::to_string(named.size() + 1) + ".DeviceName");
        if (!named.insert(*mapping.device_name).second)
            return fail(
                ErrorCode::invalid_block_device_mapping,
                "The device '" + *mapping.device_name + "' is used in more than one block-device mapping");
        if (mapping.no_device && mapping.ebs)
            return fail(ErrorCode::invalid_block_device_mapping,
                        "The mapping of '" + *mapping.device_name + "' has both Ebs and NoDevice");
    }
    return {};
}

// The one for that device; null: none is.
template <class Mapping>
const Mapping* find_mapping(const std::vector<Mapping>& mappings, const std::string& device) {
    for (const auto& mapping : mappings)
        if (mapping.device_name == device) return &mapping;
    return nullptr;
}

// The devices of an instance's disks besides its root disk.
class DeviceNames {
  public:
    explicit DeviceNames(std::string root_device) : root_device_(std::move(root_device)) {}

    // InvalidBlockDeviceMapping for a name that is none of a disk, or that another disk has.
    Status take(const std::string& device);

  private:
    std::string root_device_;
    std::set<std::string> taken_ = {"vda"};  // by libvirt's names
};

// What a request says of a disk.
struct ShapeChange {
    std::optional<std::string> type;
    std::optional<std::int64_t> size_gib;
    std::optional<std::int64_t> iops;
    std::optional<std::int64_t> throughput;
};

template <class Ebs>
ShapeChange shape_change(const Ebs& ebs) {
    return {ebs.volume_type, ebs.volume_size, ebs.iops, ebs.throughput};
}

// `base` so changed; shape_of()'s errors. What is not said stays, as far as the type has it: of another type,
// and where the base has 0, it is the type's own. A size that is not said need not be whole GiB.
Result<VolumeShape> changed_shape(const VolumeShape& base, const ShapeChange& change);

// A volume of that snapshot, so changed; by itself it is as large, and of `type`. The error `too_small` if it
// would not hold the snapshot.
Result<VolumeShape> shape_on(const Snapshot& snapshot, std::string_view type, const ShapeChange& change,
                             ErrorCode too_small);

// The error `code` for a disk that is too small for `what`, which needs so much.
Status check_holds(const VolumeShape& shape, std::int64_t least_bytes, const std::string& what,
                   ErrorCode code);

}  // namespace lodge::api
