// Root disks by themselves, whosoever they are: for what is found on hosts.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/base/ids.h"

namespace lodge::db::root_disks {

// The instance, of any account, whose root disk is or was that volume; nothing once the instance is
// forgotten.
std::optional<InstanceId> instance_of(Session& session, const VolumeId& id);

// Of all instances that have not been told to terminate, by the host that they are on.
std::map<HostId, std::vector<VolumeId>> by_host(Session& session);

}  // namespace lodge::db::root_disks
