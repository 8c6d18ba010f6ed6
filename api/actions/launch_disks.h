// The disks that an instance is launched with: its image's, and what the request's block-device mappings make
// of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/actions/block_devices.h"
#include "api/actions/encryption.h"
#include "api/catalogue/instance_type.h"
#include "api/pipeline/context.h"
#include "proto/ec2/instances.h"
#include "proto/model/image.h"

namespace lodge::api {

// What a mapping says of one device. Whether that is a disk of the image's, the image tells.
struct DiskWish {
    std::string device;
    bool left_out = false;    // NoDevice
    std::string snapshot_id;  // empty: the image's, or none
    ShapeChange change;
    std::optional<bool> delete_on_termination;
    EncryptionWish encryption;
    std::string virtual_name;  // "ephemeral0": the device is an instance-store disk; empty: it is a volume
};

// MissingParameter, InvalidBlockDeviceMapping for mappings that no image would make sense of, and
// check_encryption()'s errors.
Result<std::vector<DiskWish>> disk_wishes(const RequestContext& context,
                                          const ec2::RunInstancesRequest& request);

// The instance-store disks that the wishes give a name, as Instance::store_devices has them.
// InvalidBlockDeviceMapping for one that the type has not.
Result<std::string> store_devices(const std::vector<DiskWish>& wishes, const catalogue::InstanceType& type);

struct LaunchVolume {
    std::string device;
    VolumeShape shape;
    bool delete_on_termination = true;
    std::optional<Snapshot> snapshot;  // that it begins as
    bool encrypted = false;
};

struct LaunchDisks {
    LaunchVolume root;
    std::vector<LaunchVolume> others;
};

// Snapshots that the request names must be the account's to use; whoever may launch an image may use the
// image's. Errors: InvalidBlockDeviceMapping, find_completed_snapshot()'s, and those of a volume's shape.
Result<LaunchDisks> launch_disks(db::Session& session, const RequestContext& context, const Image& image,
                                 const std::vector<DiskWish>& wishes);

}  // namespace lodge::api
