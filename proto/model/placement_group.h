#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge {

struct PlacementGroup {
    PlacementGroupId id;
    AccountId account_id;
    std::string region;
    std::string name;                  // unique in account and region
    std::string strategy;              // "cluster", "spread", "partition"
    std::int64_t partition_count = 0;  // of a partition group; else 0
    std::string spread_level;          // of a spread group: "host", "rack"; a host is its own rack here
    UnixMs created_ms = 0;
};

}  // namespace lodge
