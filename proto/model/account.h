#pragma once

#include <cstdint>
#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge {

struct Account {
    AccountId id;
    std::string name;
    UnixMs created_ms = 0;
    bool is_operator = false;  // its keys open the operators' API
};

inline constexpr std::int64_t no_limit = 2'147'483'647;  // the most that clients can read
inline constexpr std::int64_t no_own_limit = -1;         // what everybody has holds

// How much an account may have in each region.
struct AccountLimits {
    std::int64_t instances = no_limit;  // that hold capacity: pending, running, or not ended yet
    std::int64_t vcpus = no_limit;      // of these together
    std::int64_t elastic_ips = no_limit;
};

struct AccessKey {
    std::string id;  // "AKIA…" or "LKIA…", 16 to 128 word characters
    AccountId account_id;
    std::string secret;  // never logged, never in a reply but the one that creates it
    bool active = true;
    UnixMs created_ms = 0;
};

}  // namespace lodge
