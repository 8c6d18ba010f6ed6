// Console output as virtlogd leaves it: FILE, and what it rotated away: FILE.0 (younger), FILE.1, … Any
// thread.
#pragma once

#include <filesystem>
#include <string>

#include "proto/base/result.h"

namespace lodge::agent {

// The last `max_bytes` of FILE.0 followed by FILE; empty when there is neither.
Result<std::string> read_console_tail(const std::filesystem::path& file, std::size_t max_bytes);

// Removes FILE and its rotated companions.
Status remove_console_files(const std::filesystem::path& file);

}  // namespace lodge::agent
