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

// What its instances begin with, the root disk first; nothing for a kernel or ramdisk. An image of imported
// content has its root disk alone, which is of no snapshot and of the default type, as fast as that is.
std::vector<ImageDisk> disks_of(const Image& image);

// As the image shows it; of imported content 1 GiB at least.
std::vector<ec2::ImageBlockDeviceMapping> block_devices_of(const Image& image);
std::int64_t size_gib(const ImageDisk& disk);

}  // namespace lodge::api
