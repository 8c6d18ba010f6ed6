// By which firmware an image boots, and an instance of it.
#pragma once

#include <string_view>

#include "api/catalogue/instance_type.h"
#include "proto/base/result.h"
#include "proto/model/boot_mode.h"

namespace lodge::api {

// Whether what has that architecture, and a kernel or ramdisk of its own or none, may boot so:
// InvalidParameterCombination.
Status check_boot_mode(BootMode mode, std::string_view architecture, bool has_parts);

// How an instance of an image of that mode boots on the type: InvalidParameterValue if it cannot.
Result<BootMode> boot_mode_on(const catalogue::InstanceType& type, BootMode mode);

}  // namespace lodge::api
