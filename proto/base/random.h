// Randomness is a parameter, so that a simulation repeats from its seed.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

namespace lodge {

class Random {
  public:
    virtual ~Random() = default;
    // Fills `out` with `size` random bytes.
    virtual void fill(void* out, std::size_t size) = 0;

    std::uint64_t next_u64();
    // `digits` lower-case hexadecimal digits.
    std::string hex(std::size_t digits);
    // A UUID of version 4 (RFC 9562), lower-case, with dashes.
    std::string uuid();
};

// OpenSSL's generator. Any thread; aborts the process if the system has no entropy to give.
class SystemRandom final : public Random {
  public:
    void fill(void* out, std::size_t size) override;
};

// splitmix64 from a seed: the same bytes every time. For tests and simulations only. Any thread.
class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    void fill(void* out, std::size_t size) override;

  private:
    std::mutex mutex_;
    std::uint64_t state_;
};

}  // namespace lodge
