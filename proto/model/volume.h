#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge {

// A disk, and where it is attached. Each is the root disk of an instance, from its launch until the host has
// removed it.
struct Volume {
    VolumeId id;
    AccountId account_id;
    std::string region;
    std::string zone;
    HostId host_id;  // that has its file
    std::int64_t size_bytes = 0;
    std::string type;  // "gp2", "gp3"
    UnixMs created_ms = 0;
    InstanceId instance_id;
    std::string device;  // as the API names it: "/dev/vda"
    UnixMs attached_ms = 0;
};

}  // namespace lodge
