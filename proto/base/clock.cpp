#include "proto/base/clock.h"

#include <chrono>

namespace lodge {
namespace {

template <class Unit, class C>
std::int64_t now() {
    return std::chrono::duration_cast<Unit>(C::now().time_since_epoch()).count();
}

}  // namespace

UnixMs SystemClock::now_ms() const {
    return now<std::chrono::milliseconds, std::chrono::system_clock>();
}

std::int64_t SystemClock::steady_ms() const {
    return now<std::chrono::milliseconds, std::chrono::steady_clock>();
}

std::int64_t SystemClock::steady_us() const {
    return now<std::chrono::microseconds, std::chrono::steady_clock>();
}

}  // namespace lodge
