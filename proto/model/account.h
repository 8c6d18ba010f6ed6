#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge {

struct Account {
    AccountId id;
    std::string name;
    UnixMs created_ms = 0;
};

struct AccessKey {
    std::string id;  // "AKIA…" or "LKIA…", 16 to 128 word characters
    AccountId account_id;
    std::string secret;  // never logged, never in a reply but the one that creates it
    bool active = true;
    UnixMs created_ms = 0;
};

}  // namespace lodge
