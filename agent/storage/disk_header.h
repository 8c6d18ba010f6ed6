// What the agent has to know of a disk image before it builds on it, read from the file's own first bytes: no
// tool opens a file that somebody uploaded. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "proto/base/result.h"

namespace lodge::agent {

struct DiskHeader {
    std::int64_t virtual_size_bytes = 0;
    std::string backing_file;  // as the header has it; empty: none
    bool encrypted = false;
};

// `format` is "qcow2" or "raw"; invalid_input for another one, or when the file is not of it.
Result<DiskHeader> read_disk_header(const std::filesystem::path& path, const std::string& format);

}  // namespace lodge::agent
