// Waits for many sockets on one thread, and calls whoever asked. All calls on that thread, but wake().
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>

#include "agent/storage/files.h"

namespace lodge::agent {

class Reactor {
  public:
    Reactor();

    // Calls `ready` whenever the descriptor can be read, or written, or is broken; it may also be called when
    // none is true. Replaces what was asked for that descriptor. To be forgotten before it is closed.
    enum class For : std::uint8_t { reading, writing };
    void watch(int fd, For what, std::function<void()> ready);
    void forget(int fd);

    // Returns after what was ready has been called, after `most_ms`, or after a wake().
    void wait(int most_ms);
    // Any thread: lets wait() return.
    void wake() const;

  private:
    const Fd epoll_;
    const Fd wake_;
    std::unordered_map<int, std::function<void()>> watched_;
};

}  // namespace lodge::agent
