// Root disks by themselves, whosoever they are: for what is found on hosts.
#pragma once

#include <optional>

#include "db/driver/session.h"
#include "proto/base/ids.h"

namespace lodge::db::root_disks {

// The instance, of any account, whose root disk is or was that volume; nothing once the instance is
// forgotten.
std::optional<InstanceId> instance_of(Session& session, const VolumeId& id);

}  // namespace lodge::db::root_disks
