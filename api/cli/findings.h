// What `lodge doctor` makes of what it was told: pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace lodge::cli {

struct Finding {
    std::string what;  // a sentence
    std::string mend;  // what mends it
    // The path and body of the call by which --mend mends it; empty: it takes a human's decision.
    std::string call_path = {};
    std::string host_id = {};
};

// From lodged's /v1/info, /v1/hosts and /v1/diagnosis.
std::vector<Finding> findings_of(const nlohmann::json& info, const nlohmann::json& hosts,
                                 const nlohmann::json& diagnosis);

}  // namespace lodge::cli
