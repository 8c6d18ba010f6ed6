// Values as people read them. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lodge::cli {

// Names, tags and messages may hold anything: control characters become '?', so that none of them drives the
// terminal. `keep_newlines` is for messages.
std::string printable(std::string_view text, bool keep_newlines = false);

// Columns on the terminal, taking one for each code point.
std::size_t display_width(std::string_view utf8);

// "812 B", "1.5 GiB".
std::string human_bytes(std::int64_t bytes);

// "3 s", "2 min", "5 h", "12 d"; below a second "0.3 s".
std::string human_duration(std::int64_t ms);

// As one word for a POSIX shell.
std::string shell_quote(std::string_view text);

}  // namespace lodge::cli
