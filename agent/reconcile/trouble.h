// Says once in the log that something has gone wrong, and once that it is well again.
#pragma once

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

namespace lodge::agent {

// One thread.
class Trouble {
  public:
    // `where` begins the lines: "the control plane".
    explicit Trouble(std::string where) : where_(std::move(where)) {}

    // `what` is empty when all is well.
    void note(const std::string& what) {
        if (what == last_) return;
        if (what.empty())
            spdlog::info("{}: well again", where_);
        else
            spdlog::warn("{}: {}", where_, what);
        last_ = what;
    }

  private:
    const std::string where_;
    std::string last_;
};

}  // namespace lodge::agent
