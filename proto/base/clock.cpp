#include "proto/base/clock.h"

#include <chrono>

namespace lodge {
namespace {

template <class C>
std::int64_t millis() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(C::now().time_since_epoch()).count();
}

}  // namespace

UnixMs SystemClock::now_ms() const {
    return millis<std::chrono::system_clock>();
}

std::int64_t SystemClock::steady_ms() const {
    return millis<std::chrono::steady_clock>();
}

}  // namespace lodge
