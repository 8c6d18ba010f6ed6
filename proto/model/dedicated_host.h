#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge {

// A machine that one account has to itself until it gives it back.
struct DedicatedHost {
    DedicatedHostId id;
    AccountId account_id;
    std::string region;
    std::string zone;
    HostId host_id;               // the machine, which outlives this
    std::string instance_type;    // the only type it takes; empty: any of the family
    std::string instance_family;  // of the type, too: "m5"
    bool auto_placement = true;   // takes launches that name no host
    std::string client_token;
    UnixMs allocated_ms = 0;
    UnixMs released_ms = 0;  // 0: not yet
};

}  // namespace lodge
