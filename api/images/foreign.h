// Disk images of other hypervisors, looked at by ourselves before any program of QEMU opens them: what they
// may not hold, files that they name above all. Pure functions; any thread; any input.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/base/result.h"

namespace lodge::images {

// How much of a file's beginning and end these functions want to see (or the whole file, if it is shorter).
inline constexpr std::size_t foreign_head_bytes = 64 * 1024;
inline constexpr std::size_t foreign_tail_bytes = 512;

// "vmdk", "vpc" (VHD), "vhdx", "vdi": formats that Lodge converts and never keeps.
bool is_foreign(std::string_view format);

// Refuses an image that is not of that format, that names another file (a VMDK's descriptor or parent, a
// VHD's parent), or whose end is missing.
Status check_foreign(std::string_view format, std::string_view first_bytes, std::string_view last_bytes,
                     std::uint64_t file_size_bytes);

}  // namespace lodge::images
