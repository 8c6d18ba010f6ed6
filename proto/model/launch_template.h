#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge {

struct LaunchTemplate {
    LaunchTemplateId id;
    AccountId account_id;
    std::string region;
    std::string name;  // unique in account and region
    std::int64_t default_version = 1;
    std::int64_t latest_version = 1;  // the greatest that there is
    std::int64_t last_version = 1;    // the greatest that there ever was: numbers are not given twice
    UnixMs created_ms = 0;
};

// Never changes once made.
struct LaunchTemplateVersion {
    LaunchTemplateId launch_template_id;
    std::int64_t version = 1;
    std::string description;
    std::string data;  // a part of a RunInstances request, as api/actions/launch_template_data.h writes it
    UnixMs created_ms = 0;
};

}  // namespace lodge
