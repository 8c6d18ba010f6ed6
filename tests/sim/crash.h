// How programs die in a simulation: an exception that nobody in Lodge catches, thrown where the program would
// have stopped, and caught by who started it, who then throws its objects away.
#pragma once

#include <cstdint>

namespace lodge::sim {

struct Crash {};

// Where a program is to die: at the so-many-th of the places that it passes.
class CrashPlan {
  public:
    // Passing `places` more of them, the last one is fatal; 0: none is.
    void arm(std::int64_t places) { left_ = places; }
    void disarm() { left_ = 0; }
    bool armed() const { return left_ > 0; }
    // Whether this place is the fatal one.
    bool strikes() { return left_ > 0 && --left_ == 0; }
    void pass() {
        if (strikes()) throw Crash{};
    }

  private:
    std::int64_t left_ = 0;
};

}  // namespace lodge::sim
