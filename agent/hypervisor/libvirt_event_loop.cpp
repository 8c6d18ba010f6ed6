#include "agent/hypervisor/libvirt_event_loop.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <thread>

namespace lodge::agent {
namespace {

class EventLoop {
  public:
    EventLoop() {
        virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});  // its default prints every error to stderr
        if (virInitialize() != 0 || virEventRegisterDefaultImpl() != 0) {
            spdlog::error("libvirt does not initialise: {}", virGetLastErrorMessage());
            return;
        }
        thread_ = std::thread([this] { run(); });
        pthread_setname_np(thread_.native_handle(), "libvirt-events");
    }

    ~EventLoop() {
        stopping_ = true;
        // A timer that is due ends the loop's wait.
        virEventAddTimeout(
            0, [](int, void*) {}, nullptr, nullptr);
        if (thread_.joinable()) thread_.join();
    }

    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

  private:
    void run() {
        while (!stopping_)
            if (virEventRunDefaultImpl() < 0)
                spdlog::warn("libvirt's event loop: {}", virGetLastErrorMessage());
    }

    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

}  // namespace

void run_libvirt_event_loop() {
    static EventLoop loop;
}

}  // namespace lodge::agent
