// What an image may be called, and who owns the operator's images.
#pragma once

#include <string_view>

#include "proto/base/result.h"

namespace lodge::api {

// The account of the operator's own images; nobody has a key of it.
inline constexpr std::string_view operator_account = "000000000000";

// 3 to 128 letters, digits, blanks and ()[]./-'@_ (EC2 API reference, RegisterImage).
// InvalidAMIName.Malformed.
Status check_image_name(std::string_view name);

}  // namespace lodge::api
