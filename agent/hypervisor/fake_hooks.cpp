// What tests do to the fake hypervisor.
#include <utility>

#include "agent/hypervisor/fake.h"

namespace lodge::agent {

void FakeHypervisor::fail_next_start(std::string message) {
    std::lock_guard lock(mutex_);
    next_start_fails_ = std::move(message);
}

void FakeHypervisor::set_clinging(const GuestId& guest_id, bool clinging) {
    to_running(guest_id, [clinging](Guest& guest) { guest.clinging = clinging; });
}

void FakeHypervisor::set_mounted(const GuestId& guest_id, const VolumeId& id, bool mounted) {
    to_running(guest_id, [&](Guest& guest) {
        if (mounted)
            guest.mounted.insert(id);
        else
            guest.mounted.erase(id);
    });
}

void FakeHypervisor::leave_held(const GuestSpec& spec) {
    std::lock_guard lock(mutex_);
    static_cast<void>(hold_locked(spec));
}

void FakeHypervisor::set_flatten_ms(std::int64_t ms) {
    std::lock_guard lock(mutex_);
    flatten_ms_ = ms;
}

void FakeHypervisor::set_unavailable(bool unavailable) {
    {
        std::lock_guard lock(mutex_);
        unavailable_ = unavailable;
    }
    call_back();
}

std::vector<Domain> FakeHypervisor::peek() const {
    std::lock_guard lock(mutex_);
    return list_locked();
}

void FakeHypervisor::set_stuck(bool stuck) {
    std::lock_guard lock(mutex_);
    stuck_ = stuck;
    unstuck_.notify_all();
}

void FakeHypervisor::to_running(const GuestId& guest_id, const std::function<void(Guest&)>& act) {
    {
        std::lock_guard lock(mutex_);
        const auto found = guests_.find(guest_id);
        if (found == guests_.end() || !found->second.on) return;
        act(found->second);
    }
    call_back();
}

void FakeHypervisor::guest_powers_off(const GuestId& guest_id) {
    to_running(guest_id, [this](Guest& guest) { end(guest, EndReason::guest_shutdown); });
}

void FakeHypervisor::guest_reboots(const GuestId& guest_id) {
    to_running(guest_id, [this](Guest& guest) { reboot(guest); });
}

void FakeHypervisor::crash(const GuestId& guest_id) {
    to_running(guest_id, [this](Guest& guest) { end(guest, EndReason::crashed); });
}

void FakeHypervisor::set_deaf(const GuestId& guest_id, bool deaf) {
    to_running(guest_id, [deaf](Guest& guest) { guest.deaf = deaf; });
}

}  // namespace lodge::agent
