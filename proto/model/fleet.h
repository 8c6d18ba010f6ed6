#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge {

// An EC2 Fleet of the type instant: what was asked for, once.
struct Fleet {
    FleetId id;
    AccountId account_id;
    std::string region;
    std::string client_token;
    std::string request;  // CreateFleet's, as a form
    UnixMs created_ms = 0;
    UnixMs deleted_ms = 0;  // 0: not deleted
};

// One launch that a fleet tried, and how it ended.
struct FleetLaunchResult {
    FleetId fleet_id;
    std::int64_t position = 0;  // in the order they were tried
    std::int64_t config = 0;    // of the request's, from 0
    std::int64_t choice = 0;    // of the configuration's overrides, from 0
    std::string instance_type;
    std::string error_code;  // empty: it has instances
    std::string error_message;
};

struct FleetInstance {
    FleetId fleet_id;
    InstanceId instance_id;
    std::int64_t position = 0;  // of its launch
};

}  // namespace lodge
