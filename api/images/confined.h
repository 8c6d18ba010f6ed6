// Runs one program over some files, expecting the worst of both: no shell, no inherited files, limits on
// time, memory and files; no network, nothing to write to but one file at most; as root also another user.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "proto/base/result.h"

namespace lodge::images {

struct Limits {
    std::int64_t cpu_s = 60;
    std::int64_t wall_ms = 120'000;
    std::int64_t address_space_bytes = std::int64_t{2} << 30;
    std::int64_t open_files = 64;
    std::int64_t file_bytes = 0;         // how large it may make the file it may write
    std::int64_t threads = 128;          // counted over the unprivileged user; only held as root
    std::size_t output_bytes = 8 << 20;  // of stdout; more ends the program
};

// Asked now and then during long work; true ends it early.
using Cancelled = std::function<bool()>;

struct Finished {
    int exit_code = 0;
    std::string out;
    std::string err;  // at most its first 4 KiB
};

// What the program gets: open files, as its descriptors 3, 4, …
struct ConfinedFiles {
    std::vector<int> readable;
    int writable = -1;  // the one after those, if there is one
};
inline constexpr std::size_t most_confined_files = 80;

// What the program opens to get at the file it was given: the open file itself, whatever its path was.
inline constexpr const char* confined_file = "/proc/self/fd/3";
std::string confined_path(std::size_t number);  // from 0

// Told all that the program has written to stdout so far, now and then.
using Said = std::function<void(const std::string& out)>;

// Runs `argv` (argv[0] is a path, or looked up in /usr/local/bin, /usr/bin and /bin) with `files` open, and
// waits for it. The files stay the caller's; as root those to read must be readable by `nobody`, as whom the
// program runs, and the one to write is nobody's meanwhile. The program cannot write any other file.
// invalid_input: it broke a limit or died of a signal; io_failure: it could not be started, or `cancelled`.
// Either way neither it nor a child of it in its process group is left. Any thread; blocks.
Result<Finished> run_confined(const std::vector<std::string>& argv, const ConfinedFiles& files,
                              const Limits& limits, const Cancelled& cancelled = {}, const Said& said = {});

// The same over one file that it reads.
Result<Finished> run_confined(const std::vector<std::string>& argv, int file, const Limits& limits,
                              const Cancelled& cancelled = {});

}  // namespace lodge::images
