// Volumes as clients see them.
#pragma once

#include "api/actions/network.h"
#include "proto/ec2/volumes.h"
#include "proto/model/volume.h"

namespace lodge::api {

using VolumeRecord = Tagged<Volume>;

// "available", "in-use", "deleting".
std::string state_of(const Volume& volume);
ec2::VolumeAttachment attachment_of(const Volume& volume);
ec2::Volume to_ec2(const VolumeRecord& record);

// One of the account's: InvalidParameterValue, InvalidVolume.NotFound.
Result<Volume> find_volume(db::Session& session, const RequestContext& context, const std::string& id);

// Those that the instance has, or is about to have, and not those that it lets go: the root disk first.
std::vector<Volume> attached_volumes(db::Session& session, const InstanceId& id);

// A new one of the account's, in no store yet.
Volume new_volume(const RequestContext& context, const std::string& zone, const VolumeShape& shape,
                  UnixMs now_ms);

// Whether the volume's host is at work on its files, so that no other one is to have them yet.
bool is_held(db::Session& session, const RequestContext& context, const Volume& volume);

// AttachmentLimitExceeded when `count` volumes besides a root disk are more than the type has at most.
Status check_volume_count(const std::string& type, std::int64_t most, std::int64_t count);

// InsufficientVolumeCapacity when the host has too little space left to be trusted with more, or its disks
// have been promised too often for so many bytes.
Status check_space(db::Session& session, const RequestContext& context, const HostId& host_id,
                   std::int64_t bytes);

}  // namespace lodge::api
