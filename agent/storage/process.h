// Other programs, run without a shell. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace lodge::agent {

// Runs `argv` (the program is searched in PATH) to its end, with `input`, of 4 KiB at most, as its standard
// input. io_failure with what it printed when it does not exit with 0; it is killed when `timeout_ms` have
// passed.
Status run_program(const std::vector<std::string>& argv, std::int64_t timeout_ms,
                   std::string_view input = {});

}  // namespace lodge::agent
