// Looks at a foreign disk image and says whether Lodge may keep it. Nothing in the file decides its format:
// the declared one is passed on explicitly, everywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/images/confined.h"
#include "proto/base/result.h"

namespace lodge::images {

struct ProbeOptions {
    std::string program = "qemu-img";  // see run_confined
    Limits limits = {};
    std::uint64_t max_virtual_size_bytes = std::uint64_t{16} << 40;
    Cancelled cancelled = {};
};

struct DiskFacts {
    std::int64_t virtual_size_bytes = 0;
};

// `file` is open for reading, stays the caller's, and as root must be readable by `nobody` (see
// run_confined); `format` is "qcow2", "raw", or a foreign one. First our own look at the header, then
// `qemu-img info`, and where there is metadata `qemu-img check`, confined. Refusals are invalid_input and say
// what to do; io_failure when the file cannot be read or qemu-img cannot be run. Any thread; blocks up to
// twice the time limit.
Result<DiskFacts> probe_disk(int file, std::string_view format, const ProbeOptions& options = {});

// Whether the file is a layer as Lodge makes them: a qcow2 file that rests on none, encrypted with LUKS or
// not at all, as it is to be. Its header is looked at and nothing of it believed. invalid_input; io_failure.
Status check_layer(int file, std::int64_t size_bytes, bool encrypted, std::uint64_t max_virtual_size_bytes);

// What `qemu-img info --output=json` printed, judged. Pure; any input.
Result<DiskFacts> read_image_info(std::string_view json, std::string_view format,
                                  std::uint64_t max_virtual_size_bytes);

// The first `most` bytes of an open file, fewer if it is shorter. Does not move its position.
Result<std::string> read_head(int file, std::size_t most);

}  // namespace lodge::images
