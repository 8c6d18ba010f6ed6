// Time is a parameter. One real implementation, one that tests turn by hand.
#pragma once

#include <atomic>
#include <cstdint>

namespace lodge {

// Milliseconds since 1970-01-01T00:00:00Z.
using UnixMs = std::int64_t;

class Clock {
  public:
    virtual ~Clock() = default;
    // The calendar time, for what users read. May jump.
    virtual UnixMs now_ms() const = 0;
    // Milliseconds since some fixed moment of this boot, for leases and deadlines. Never goes back.
    virtual std::int64_t steady_ms() const = 0;
    // The same in microseconds, to measure by.
    virtual std::int64_t steady_us() const { return steady_ms() * 1000; }
};

// The machine's clocks. Any thread.
class SystemClock final : public Clock {
  public:
    UnixMs now_ms() const override;
    std::int64_t steady_ms() const override;
    std::int64_t steady_us() const override;
};

// Stands still until told otherwise. Any thread.
class ManualClock final : public Clock {
  public:
    explicit ManualClock(UnixMs start_ms) : steady_ms_(start_ms) {}
    UnixMs now_ms() const override { return steady_ms_ + calendar_ahead_ms_; }
    std::int64_t steady_ms() const override { return steady_ms_; }
    void advance_ms(std::int64_t by) { steady_ms_ += by; }
    // As if somebody set the machine's date.
    void set_calendar_forward_ms(std::int64_t by) { calendar_ahead_ms_ += by; }

  private:
    std::atomic<std::int64_t> steady_ms_;
    std::atomic<std::int64_t> calendar_ahead_ms_ = 0;
};

}  // namespace lodge
