// How far a long copy is, on stderr: one line that is rewritten on a terminal, else a line each
// 10 % of what takes longer than a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace lodge::cli {

class Progress {
  public:
    // `label` names what is copied. `terminal`: `out` goes to one.
    Progress(std::ostream& out, std::string label, bool terminal);
    ~Progress() { finish(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // `total_bytes` is 0 while it is not known.
    void update(std::int64_t done_bytes, std::int64_t total_bytes);
    // Ends the line on a terminal.
    void finish();

  private:
    void show(std::int64_t done_bytes, std::int64_t total_bytes);
    bool due(std::int64_t done_bytes, std::int64_t total_bytes);

    std::ostream& out_;
    std::string label_;
    bool terminal_;
    bool line_open_ = false;
    std::int64_t next_mark_ = 0;  // off a terminal: the tenth (or GiB, total unknown) to tell of next
    std::chrono::steady_clock::time_point started_;
    std::chrono::steady_clock::time_point shown_;
};

}  // namespace lodge::cli
