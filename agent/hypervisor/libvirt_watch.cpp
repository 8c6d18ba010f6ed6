#include "agent/hypervisor/libvirt_watch.h"

#include <utility>

namespace lodge::agent {
namespace {

// SeaBIOS resets a q35 twice within 60 ms; no guest gets as far as rebooting again in this time.
constexpr std::int64_t one_reboot_ms = 1000;

}  // namespace

void LibvirtWatch::on_change(std::function<void()> callback) {
    std::lock_guard lock(callback_mutex_);
    callback_ = std::move(callback);
}

void LibvirtWatch::changed() {
    std::lock_guard lock(callback_mutex_);
    if (callback_) callback_();
}

void LibvirtWatch::started(const std::string& name) {
    {
        std::lock_guard lock(mutex_);
        seen_[name].end_reason = EndReason::unknown;
    }
    changed();
}

void LibvirtWatch::stopped(const std::string& name, EndReason reason) {
    {
        std::lock_guard lock(mutex_);
        seen_[name].end_reason = reason;
    }
    changed();
}

void LibvirtWatch::was_reset(const std::string& name, std::int64_t steady_ms) {
    {
        std::lock_guard lock(mutex_);
        Seen& seen = seen_[name];
        if (seen.reset_ms == 0 || steady_ms - seen.reset_ms >= one_reboot_ms) ++seen.reboots;
        seen.reset_ms = steady_ms;
    }
    changed();
}

void LibvirtWatch::undefined(const std::string& name) {
    {
        std::lock_guard lock(mutex_);
        seen_.erase(name);
    }
    changed();
}

EndReason LibvirtWatch::end_reason(const std::string& name) const {
    std::lock_guard lock(mutex_);
    const auto found = seen_.find(name);
    return found == seen_.end() ? EndReason::unknown : found->second.end_reason;
}

std::int64_t LibvirtWatch::last_reset_ms(const std::string& name) const {
    std::lock_guard lock(mutex_);
    const auto found = seen_.find(name);
    return found == seen_.end() ? 0 : found->second.reset_ms;
}

std::int64_t LibvirtWatch::reboots(const std::string& name) const {
    std::lock_guard lock(mutex_);
    const auto found = seen_.find(name);
    return found == seen_.end() ? 0 : found->second.reboots;
}

}  // namespace lodge::agent
