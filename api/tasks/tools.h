// What work on imports and exports is done with.
#pragma once

#include <filesystem>

#include "api/images/places.h"
#include "db/driver/database.h"
#include "proto/base/clock.h"
#include "proto/base/random.h"

namespace lodge::api::tasks {

struct Tools {
    db::Database& database;
    const Clock& clock;
    Random& random;
    std::filesystem::path image_dir;
    images::Places places;
    std::int64_t most_disk_bytes = std::int64_t{16} << 40;
    std::string qemu_img = "qemu-img";
};

// How large a file of a disk may become: what it holds, and what formats add to it.
constexpr std::int64_t most_file_bytes(std::int64_t disk_bytes) {
    return disk_bytes + disk_bytes / 64 + (std::int64_t{64} << 20);
}

}  // namespace lodge::api::tasks
