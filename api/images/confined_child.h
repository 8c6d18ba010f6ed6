// The side of run_confined after fork(): nothing here may allocate or lock.
#pragma once

#include "api/images/confined.h"

namespace lodge::images {

inline constexpr unsigned nobody = 65534;  // on every Linux; asking the user database would allocate

struct ChildSetup {
    const char* program;      // a path
    const char* const* argv;  // ends with null
    const int* files;
    int file_count;
    bool last_is_writable;
    int out;
    int err;
    int report;  // close-on-exec pipe: gets a ChildFailure when the program cannot be started
    Limits limits;
};

struct ChildFailure {
    int error;      // errno
    char step[24];  // what failed, e.g. "setresuid"
};

// Confines this process and becomes the program. Ends the process when that fails.
[[noreturn]] void become_program(const ChildSetup& setup);

}  // namespace lodge::images
