#include "api/actions/image_view.h"

#include <algorithm>

namespace lodge::api {

std::int64_t size_gib(const Image& image) {
    constexpr std::int64_t gib = std::int64_t{1} << 30;
    return std::max<std::int64_t>(1, (image.blob.virtual_size_bytes + gib - 1) / gib);
}

std::vector<ec2::ImageBlockDeviceMapping> block_devices_of(const Image& image) {
    if (image.type != ImageType::machine) return {};
    return {{image.root_device_name, ec2::ImageEbs{true, size_gib(image), "gp3", false}}};
}

}  // namespace lodge::api
