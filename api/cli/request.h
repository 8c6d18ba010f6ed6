// Arguments into requests to lodged.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "api/cli/command.h"

namespace lodge::cli {

// Sets body[member] to the option's text if it was given.
void put(nlohmann::json& body, const char* member, const Arguments& arguments, std::string_view option);

// "/v1/hosts/" and "h-1" as "/v1/hosts/h-1", whatever the ID holds.
std::string path_to(std::string_view collection, const std::string& id);

// Rules for options.
Rule account_id_rule();
Rule image_id_rule();
Rule limit_rule();  // "none", or a number that clients can read

}  // namespace lodge::cli
