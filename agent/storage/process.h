// Other programs, run without a shell. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/result.h"

namespace lodge::agent {

// Runs `argv` (the program is searched in PATH) to its end, with an empty standard input. io_failure with
// what it printed when it does not exit with 0; it is killed when `timeout_ms` have passed.
Status run_program(const std::vector<std::string>& argv, std::int64_t timeout_ms);

}  // namespace lodge::agent
