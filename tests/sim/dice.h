// All chance of a simulation comes out of one seed.
#pragma once

#include <cstdint>
#include <string>

#include "proto/base/random.h"

namespace lodge::sim {

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : random_(seed) {}

    // 0 to n - 1.
    std::uint64_t below(std::uint64_t n) { return random_.next_u64() % n; }
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
    }
    // True once in n times, on average.
    bool once_in(std::uint64_t n) { return below(n) == 0; }
    std::uint64_t seed() { return random_.next_u64(); }
    Random& random() { return random_; }

  private:
    SeededRandom random_;
};

}  // namespace lodge::sim
