#pragma once

#include <string>

namespace lodge {

// Regions and zones are configuration; the store keeps the names that resources refer to.
struct Zone {
    std::string name;    // "us-east-1a"
    std::string region;  // "us-east-1"
    std::string id;      // "use1-az1"
};

}  // namespace lodge
