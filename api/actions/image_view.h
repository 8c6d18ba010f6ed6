// Images as clients see them, where more than one action shows the same.
#pragma once

#include <string_view>
#include <vector>

#include "proto/ec2/images.h"
#include "proto/model/image.h"

namespace lodge::api {

inline constexpr std::int64_t gib = std::int64_t{1} << 30;

// Rounded up.
constexpr std::int64_t gib_of(std::int64_t bytes) {
    return (bytes + gib - 1) / gib;
}

// Of a volume whose maker names none.
inline constexpr std::string_view default_volume_type = "gp3";

// 1 at least.
std::int64_t size_gib(const Image& image);

// The root disk; nothing for a kernel or ramdisk.
std::vector<ec2::ImageBlockDeviceMapping> block_devices_of(const Image& image);

}  // namespace lodge::api
