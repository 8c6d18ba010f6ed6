#include "api/actions/image_view.h"

#include <algorithm>

namespace lodge::api {

std::int64_t size_gib(const Image& image) {
    return std::max<std::int64_t>(1, gib_of(image.blob.virtual_size_bytes));
}

std::vector<ec2::ImageBlockDeviceMapping> block_devices_of(const Image& image) {
    if (image.type != ImageType::machine) return {};
    return {{image.root_device_name,
             ec2::ImageEbs{true, size_gib(image), std::string(default_volume_type), false}}};
}

}  // namespace lodge::api
