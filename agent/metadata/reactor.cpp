#include "agent/metadata/reactor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace lodge::agent {

Reactor::Reactor() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    watch(wake_.get(), For::reading, [this] {
        std::uint64_t count = 0;
        [[maybe_unused]] auto drained = ::read(wake_.get(), &count, sizeof count);
    });
}

void Reactor::watch(int fd, For what, std::function<void()> ready) {
    epoll_event event{};
    event.events = what == For::reading ? EPOLLIN : EPOLLOUT;
    event.data.fd = fd;
    const bool known = watched_.contains(fd);
    watched_[fd] = std::move(ready);
    ::epoll_ctl(epoll_.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
}

void Reactor::forget(int fd) {
    if (watched_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

// A call may let others be forgotten, and their numbers given to new ones: those are called once for nothing.
void Reactor::wait(int most_ms) {
    std::array<epoll_event, 128> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), most_ms);
    for (int i = 0; i < count; ++i) {
        auto found = watched_.find(events.at(static_cast<std::size_t>(i)).data.fd);
        if (found == watched_.end()) continue;
        auto ready = found->second;
        ready();
    }
}

void Reactor::wake() const {
    std::uint64_t one = 1;
    [[maybe_unused]] auto written = ::write(wake_.get(), &one, sizeof one);
}

}  // namespace lodge::agent
