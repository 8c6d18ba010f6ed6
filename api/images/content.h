// What a file's first bytes say it is: so that a user's slip ("raw" for a qcow2, a kernel for a ramdisk) is
// told at import and not by a guest that does not boot. Pure functions; any thread; any input.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace lodge::images {

// How much of a file's beginning these functions want to see (or the whole file, if it is shorter).
inline constexpr std::size_t content_head_bytes = 4096;

// "qcow2", "vmdk", "gzip"…: a format with a magic number of its own; empty for anything else, such as a raw
// disk. Only ever used to refuse: what an image *is* stays what the operator declared.
std::string_view sniff(std::string_view first_bytes);

// Refuses content that is visibly of another format than the declared "raw" or "qcow2".
Status check_declared_format(std::string_view declared, std::string_view first_bytes);

// A kernel as QEMU's -kernel takes it: of x86_64 and i386 a bzImage, of arm64 an Image or gzip of one.
Status check_kernel(std::string_view architecture, std::string_view first_bytes, std::int64_t size_bytes);

// A ramdisk: a cpio archive, as it is or compressed; refuses other sizes than 1 byte to 2 GiB, and kernels
// and disk images.
Status check_ramdisk(std::string_view first_bytes, std::int64_t size_bytes);

}  // namespace lodge::images
