// The description of the operators' API.
#pragma once

#include <string_view>

namespace lodge::api::admin {

extern const std::string_view openapi;  // openapi.json

}  // namespace lodge::api::admin
