#include "scheduler/reconcile/host_hub.h"

#include <algorithm>

namespace lodge::scheduler {

namespace {

bool holds_lease(const Liveness& liveness, std::int64_t now_steady_ms, std::int64_t lease_ms) {
    return liveness.heard && now_steady_ms - liveness.last_heard_steady_ms <= lease_ms;
}

}  // namespace

HostHub::HostHub(const Clock& clock, Random& random, Executor executor, std::int64_t lease_ms,
                 std::int64_t reserved_disk_mib)
    : clock_(clock),
      executor_(std::move(executor)),
      lease_ms_(lease_ms),
      reserved_disk_mib_(reserved_disk_mib),
      started_steady_ms_(clock.steady_ms()),
      last_tick_steady_ms_(clock.steady_ms()),
      boot_(random.hex(12)) {}

void HostHub::run(std::function<void()> task) {
    if (!task || executor_(task)) return;
    std::lock_guard lock(mutex_);
    refused_.push_back(std::move(task));
}

void HostHub::renew(Liveness& liveness) const {
    auto now = clock_.steady_ms();
    if (!holds_lease(liveness, now, lease_ms_) || !liveness.last.hypervisor_ok)
        liveness.well_since_steady_ms = now;
    liveness.heard = true;
    liveness.last_heard_steady_ms = now;
}

void HostHub::heard(const HostId& id, const link::Heartbeat* heartbeat) {
    std::lock_guard lock(mutex_);
    auto& liveness = hosts_[id].liveness;
    renew(liveness);
    if (heartbeat) liveness.last = *heartbeat;
}

void HostHub::said_hello(const HostId& id, const std::string& accelerator) {
    std::lock_guard lock(mutex_);
    auto& liveness = hosts_[id].liveness;
    renew(liveness);
    liveness.greeted = true;
    liveness.well_since_steady_ms = liveness.last_heard_steady_ms;
    liveness.accelerator = accelerator;
    liveness.last = {};  // a predecessor's; who says hello has asked its hypervisor
}

void HostHub::take_back_hello(const HostId& id) {
    std::lock_guard lock(mutex_);
    hosts_[id].liveness.greeted = false;
}

bool HostHub::known(const HostId& id) const {
    return liveness(id).greeted;
}

void HostHub::forget(const HostId& id) {
    std::lock_guard lock(mutex_);
    hosts_[id].liveness = {};
}

Liveness HostHub::liveness(const HostId& id) const {
    std::lock_guard lock(mutex_);
    auto found = hosts_.find(id);
    return found == hosts_.end() ? Liveness{} : found->second.liveness;
}

bool HostHub::hears(const HostId& id) const {
    return holds_lease(liveness(id), clock_.steady_ms(), lease_ms_);
}

HostCondition HostHub::condition(const HostId& id, HostState state) const {
    auto seen = liveness(id);
    if (!holds_lease(seen, clock_.steady_ms(), lease_ms_)) return HostCondition::unreachable;
    if (!seen.last.hypervisor_ok) return HostCondition::hypervisor_down;
    if (!seen.greeted) return HostCondition::unreachable;
    if (!seen.last.network_ok) return HostCondition::network_down;
    if (state == HostState::draining) return HostCondition::draining;
    bool low = seen.last.disk_free_mib >= 0 && seen.last.disk_free_mib < reserved_disk_mib_;
    return low ? HostCondition::low_disk : HostCondition::ok;
}

bool HostHub::serves(const HostId& id) const {
    return scheduler::serves(condition(id, HostState::active));
}

std::int64_t HostHub::well_ms(const HostId& id) const {
    if (!serves(id)) return 0;
    return clock_.steady_ms() - liveness(id).well_since_steady_ms;
}

bool HostHub::settling(const HostId& id) const {
    return clock_.steady_ms() - started_steady_ms_ <= 2 * lease_ms_ && !liveness(id).greeted;
}

std::string HostHub::version_text(std::uint64_t version) const {
    return boot_ + "." + std::to_string(version);
}

std::string HostHub::version(const HostId& id) const {
    std::lock_guard lock(mutex_);
    auto found = hosts_.find(id);
    return version_text(found == hosts_.end() ? 0 : found->second.version);
}

std::function<void()> HostHub::take_wait(HostEntry& entry) {
    return std::exchange(entry.wait.ready, nullptr);
}

void HostHub::changed(const HostId& id) {
    std::function<void()> ready;
    {
        std::lock_guard lock(mutex_);
        auto& entry = hosts_[id];
        ++entry.version;
        ready = take_wait(entry);
    }
    run(std::move(ready));
}

bool HostHub::has_console_request(const HostId& host) const {
    return std::any_of(consoles_.begin(), consoles_.end(),
                       [&](const auto& each) { return each.second.host == host; });
}

void HostHub::wait(const HostId& id, const std::string& known_version, std::int64_t wait_ms,
                   std::function<void()> ready) {
    std::function<void()> at_once;
    std::function<void()> older;
    {
        std::lock_guard lock(mutex_);
        auto& entry = hosts_[id];
        older = take_wait(entry);
        if (stopping_ || wait_ms <= 0 || version_text(entry.version) != known_version ||
            has_console_request(id)) {
            at_once = std::move(ready);
        } else {
            entry.wait = {clock_.steady_ms() + wait_ms, std::move(ready)};
        }
    }
    run(std::move(older));
    run(std::move(at_once));
}

void HostHub::leave_out_standstill() {
    auto now = clock_.steady_ms();
    auto gap = now - std::exchange(last_tick_steady_ms_, now);
    if (gap <= lease_ms_ / 2) return;
    for (auto& [id, entry] : hosts_) {
        auto& liveness = entry.liveness;
        liveness.last_heard_steady_ms = std::min(now, liveness.last_heard_steady_ms + gap);
        liveness.well_since_steady_ms = std::min(now, liveness.well_since_steady_ms + gap);
    }
}

void HostHub::tick() {
    std::vector<std::function<void()>> due;
    {
        std::lock_guard lock(mutex_);
        leave_out_standstill();
        due.swap(refused_);
        auto now = clock_.steady_ms();
        for (auto& [id, entry] : hosts_)
            if (entry.wait.ready && entry.wait.until_steady_ms <= now) due.push_back(take_wait(entry));
    }
    for (auto& ready : due) run(std::move(ready));
}

void HostHub::release_all() {
    std::vector<std::function<void()>> all;
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        for (auto& [id, entry] : hosts_)
            if (entry.wait.ready) all.push_back(take_wait(entry));
        for (auto& [ticket, request] : consoles_) all.push_back(std::move(request.arrived));
        consoles_.clear();
    }
    for (auto& ready : all) run(std::move(ready));
}

std::uint64_t HostHub::request_console(const HostId& host, const InstanceId& instance,
                                       std::function<void()> arrived) {
    std::function<void()> ready;
    std::uint64_t ticket = 0;
    {
        std::lock_guard lock(mutex_);
        ticket = next_ticket_++;
        consoles_[ticket] = {host, instance, std::move(arrived)};
        ready = take_wait(hosts_[host]);
    }
    run(std::move(ready));
    return ticket;
}

void HostHub::forget_console(std::uint64_t ticket) {
    std::lock_guard lock(mutex_);
    consoles_.erase(ticket);
}

std::vector<InstanceId> HostHub::console_requests(const HostId& host) const {
    std::lock_guard lock(mutex_);
    std::set<InstanceId> wanted;
    for (const auto& [ticket, request] : consoles_)
        if (request.host == host) wanted.insert(request.instance);
    return {wanted.begin(), wanted.end()};
}

void HostHub::console_arrived(const InstanceId& instance) {
    std::vector<std::function<void()>> waiting;
    {
        std::lock_guard lock(mutex_);
        std::erase_if(consoles_, [&](auto& each) {
            if (each.second.instance != instance) return false;
            waiting.push_back(std::move(each.second.arrived));
            return true;
        });
    }
    for (auto& arrived : waiting) run(std::move(arrived));
}

}  // namespace lodge::scheduler
