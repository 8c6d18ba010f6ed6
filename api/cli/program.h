// Other programs, run without a shell.
#pragma once

#include <string>
#include <vector>

#include "proto/base/result.h"

namespace lodge::cli {

// What `argv` (the program is searched in PATH) prints to its standard output, when it has ended well.
// io_failure with what it printed to stderr when not, not_found when there is no such program; it is killed
// after `timeout_s`.
Result<std::string> output_of(const std::vector<std::string>& argv, int timeout_s);

}  // namespace lodge::cli
