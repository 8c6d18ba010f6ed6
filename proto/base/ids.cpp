#include "proto/base/ids.h"

#include <algorithm>

namespace lodge {
namespace {

bool hex_digits(std::string_view text) {
    return (text.size() == id_digits || text.size() == 8) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

constexpr std::string_view image_prefix(ImageType type) {
    switch (type) {
        case ImageType::kernel:
            return "aki-";
        case ImageType::ramdisk:
            return "ari-";
        case ImageType::machine:
            break;
    }
    return "ami-";
}

constexpr std::string_view import_prefix(ImportKind kind) {
    return kind == ImportKind::image ? "import-ami-" : "import-snap-";
}

}  // namespace

bool id_well_formed(std::string_view prefix, std::string_view text) {
    return text.starts_with(prefix) && hex_digits(text.substr(prefix.size()));
}

ImageId make_image_id(Random& random, ImageType type) {
    return ImageId::trusted(std::string(image_prefix(type)) + random.hex(id_digits));
}

std::optional<ImageId> parse_image_id(std::string_view text) {
    for (auto type : {ImageType::machine, ImageType::kernel, ImageType::ramdisk})
        if (id_well_formed(image_prefix(type), text)) return ImageId::trusted(std::string(text));
    return std::nullopt;
}

ImportTaskId make_import_task_id(Random& random, ImportKind kind) {
    return ImportTaskId::trusted(std::string(import_prefix(kind)) + random.hex(id_digits));
}

std::optional<ImportTaskId> parse_import_task_id(std::string_view text, ImportKind kind) {
    if (!id_well_formed(import_prefix(kind), text)) return std::nullopt;
    return ImportTaskId::trusted(std::string(text));
}

bool account_id_well_formed(std::string_view text) {
    return text.size() == 12 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

AccountId make_account_id(Random& random) {
    auto digits = std::to_string(random.next_u64() % 1'000'000'000'000U);
    return std::string(12 - digits.size(), '0') + digits;
}

}  // namespace lodge
