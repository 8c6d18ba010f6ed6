// How a volume's files are called: "vol-0123….qcow2" is its first, "vol-0123….2.qcow2" what it writes to
// after the second cut. Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/ids.h"

namespace lodge::agent {

struct DiskFile {
    VolumeId volume_id;
    std::int64_t number = 0;
};

std::string disk_file_name(const VolumeId& volume_id, std::int64_t number);
// An empty file, which says of the disk's file of that number that nothing lies under it: "vol-0123….2.flat".
std::string flat_mark_name(const VolumeId& volume_id, std::int64_t number);
std::optional<DiskFile> parse_flat_mark(std::string_view path);
// Nothing for a name that is no volume's file. A path's folders do not matter.
std::optional<DiskFile> parse_disk_file(std::string_view path);

// As Domain and LiveDomain keep them: a volume that is not there has file 0.
inline std::int64_t file_number(const std::map<VolumeId, std::int64_t>& numbers, const VolumeId& id) {
    const auto found = numbers.find(id);
    return found == numbers.end() ? 0 : found->second;
}

}  // namespace lodge::agent
