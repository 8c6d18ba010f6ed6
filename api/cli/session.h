// What a running command works with.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string_view>

#include "api/cli/client.h"

namespace lodge::cli {

// Of `lodge` itself; CMakeLists.txt's project() carries the same number.
inline constexpr std::string_view version = "0.1.0";

struct Session {
    std::filesystem::path state_dir;
    Client client;
    bool json = false;  // print lodged's answer and nothing else to `out`
    std::ostream& out;  // what was asked for
    std::ostream& err;  // hints and progress
    // What the process ends with when the command is done; for answers that scripts ask for by it.
    int exit_status = 0;
};

}  // namespace lodge::cli
