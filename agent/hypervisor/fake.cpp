#include "agent/hypervisor/fake.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/domain/disk_file.h"
#include "agent/domain/domain_xml.h"
#include "proto/agent/messages.h"

namespace lodge::agent {
namespace {

Status unavailable_error() {
    return fail(ErrorCode::service_unavailable, "the simulated hypervisor is away");
}

Status not_running(const GuestId& guest_id) {
    return fail(ErrorCode::incorrect_instance_state, domain_name(guest_id) + " is not running");
}

// Null if it has none of that volume.
template <class Spec>
auto find_disk(Spec& spec, const VolumeId& id) -> decltype(&spec.root) {
    if (spec.root.volume_id == id) return &spec.root;
    const auto found = std::find_if(spec.disks.begin(), spec.disks.end(),
                                    [&](const DiskSpec& each) { return each.volume_id == id; });
    return found == spec.disks.end() ? nullptr : &*found;
}

}  // namespace

FakeHypervisor::FakeHypervisor(const Clock& clock, Capacity capacity, std::int64_t boot_ms)
    : clock_(clock), capacity_(std::move(capacity)), boot_ms_(boot_ms) {}

void FakeHypervisor::on_change(std::function<void()> callback) {
    std::lock_guard lock(callback_mutex_);
    callback_ = std::move(callback);
}

// Not under mutex_: the callback may take a lock that is held where our calls are made.
void FakeHypervisor::call_back() {
    std::lock_guard lock(callback_mutex_);
    if (callback_) callback_();
}

Result<Capacity> FakeHypervisor::capacity() {
    std::lock_guard lock(mutex_);
    if (unavailable_) return tl::unexpected(unavailable_error().error());
    return capacity_;
}

DomainState FakeHypervisor::state_of(const Guest& guest) const {
    if (!guest.on) return DomainState::shut_off;
    if (guest.held) return DomainState::held;
    return clock_.steady_ms() < guest.up_at_ms ? DomainState::starting : DomainState::running;
}

Result<std::vector<Domain>> FakeHypervisor::list() {
    std::unique_lock lock(mutex_);
    unstuck_.wait(lock, [this] { return !stuck_; });
    if (unavailable_) return tl::unexpected(unavailable_error().error());
    for (auto& [id, guest] : guests_) end_flattening(guest);
    return list_locked();
}

std::vector<Domain> FakeHypervisor::list_locked() const {
    std::vector<Domain> domains;
    for (const auto& [id, guest] : guests_) {
        domains.push_back({id, guest.spec.instance_id, state_of(guest), guest.end_reason});
        if (!guest.on) continue;
        for (const Nic& nic : guest.spec.interfaces)
            domains.back().interfaces.push_back(nic.network_interface_id);
        const auto add = [&](const DiskSpec& disk) {
            domains.back().disks.push_back(disk.volume_id);
            if (disk.cuts > 0) domains.back().cuts[disk.volume_id] = disk.cuts;
            const auto lowest = disk.bases.empty() ? std::optional(DiskFile{disk.volume_id, disk.cuts})
                                                   : parse_disk_file(disk.bases.back().path);
            if (lowest) domains.back().flat[disk.volume_id] = lowest->number;
        };
        add(guest.spec.root);
        for (const DiskSpec& disk : guest.spec.disks) add(disk);
    }
    return domains;
}

Status FakeHypervisor::change(const GuestId& guest_id, const std::function<Status(Guest*)>& act) {
    {
        std::lock_guard lock(mutex_);
        if (unavailable_) return unavailable_error();
        const auto found = guests_.find(guest_id);
        LODGE_CHECK(act(found == guests_.end() ? nullptr : &found->second));
    }
    call_back();
    return {};
}

Status FakeHypervisor::start(const GuestSpec& spec, const Gate& gate) {
    bool is_held = false;
    LODGE_CHECK(change(spec.guest_id, [&](Guest* known) -> Status {
        is_held = known == nullptr || !known->on || known->held;
        if (known != nullptr && known->on) return {};
        guests_.erase(spec.guest_id);
        return hold_locked(spec);
    }));
    if (!is_held) return {};
    if (const Status open = gate(); !open) {
        std::lock_guard lock(mutex_);
        guests_.erase(spec.guest_id);
        return open;
    }
    return let_run(spec.guest_id);
}

Status FakeHypervisor::hold_locked(const GuestSpec& spec) {
    if (const auto message = std::exchange(next_start_fails_, std::nullopt))
        return fail(ErrorCode::io_failure, *message);
    const auto twin = [&](const auto& each) { return each.second.spec.instance_id == spec.instance_id; };
    if (std::any_of(guests_.begin(), guests_.end(), twin))
        return fail(ErrorCode::io_failure, "another guest of " + spec.instance_id.str() + " is defined");
    Guest& guest = guests_[spec.guest_id];
    guest.spec = spec;
    guest.on = guest.held = true;
    return {};
}

Status FakeHypervisor::let_run(const GuestId& guest_id) {
    return change(guest_id, [&](Guest* guest) -> Status {
        if (guest == nullptr || !guest->on)
            return fail(ErrorCode::io_failure, domain_name(guest_id) + " ended while it was started");
        if (std::exchange(guest->held, false)) boot(*guest);
        return {};
    });
}

Status FakeHypervisor::attach_interface(const GuestId& guest_id, const Nic& nic) {
    return change(guest_id, [&](Guest* guest) -> Status {
        if (guest == nullptr || !guest->on) return not_running(guest_id);
        std::erase_if(guest->spec.interfaces,
                      [&](const Nic& each) { return each.network_interface_id == nic.network_interface_id; });
        guest->spec.interfaces.push_back(nic);
        return {};
    });
}

Status FakeHypervisor::request_detach(const GuestId& guest_id, const NetworkInterfaceId& id) {
    return change(guest_id, [&](Guest* guest) -> Status {
        if (guest == nullptr || !guest->on || guest->clinging) return {};
        std::erase_if(guest->spec.interfaces,
                      [&](const Nic& each) { return each.network_interface_id == id; });
        return {};
    });
}

Status FakeHypervisor::attach_disk(const GuestId& guest_id, const DiskSpec& disk) {
    return change(guest_id, [&](Guest* guest) -> Status {
        if (guest == nullptr || !guest->on) return not_running(guest_id);
        if (find_disk(guest->spec, disk.volume_id) != nullptr) return {};
        for (const auto& [id, other] : guests_)
            if (other.on && find_disk(other.spec, disk.volume_id) != nullptr)
                return fail(ErrorCode::io_failure, disk.volume_id.str() + " is " + domain_name(id) + "'s");
        guest->spec.disks.push_back(disk);
        say(*guest, fmt::format("lodge-fake: disk /dev/{} {}", disk.target, disk.volume_id.str()));
        return {};
    });
}

Status FakeHypervisor::request_detach(const GuestId& guest_id, const VolumeId& id, bool politely) {
    return change(guest_id, [&](Guest* guest) -> Status {
        if (guest == nullptr || !guest->on || guest->clinging) return {};
        if (politely && guest->mounted.contains(id)) return {};
        std::erase_if(guest->spec.disks, [&](const DiskSpec& each) { return each.volume_id == id; });
        guest->flat_at_ms.erase(id);
        return {};
    });
}

Status FakeHypervisor::adjust_disk(const GuestId& guest_id, const DiskSpec& disk) {
    return change(guest_id, [&](Guest* guest) -> Status {
        DiskSpec* const found =
            guest != nullptr && guest->on ? find_disk(guest->spec, disk.volume_id) : nullptr;
        if (found == nullptr) return not_running(guest_id);
        if (found->size_bytes < disk.size_bytes) guest->flat_at_ms.erase(disk.volume_id);
        found->size_bytes = std::max(found->size_bytes, disk.size_bytes);
        found->limits = disk.limits;
        return {};
    });
}

Status FakeHypervisor::cut_disks(const GuestId& guest_id, const std::vector<DiskSpec>& disks) {
    return change(guest_id, [&](Guest* guest) -> Status {
        const bool on = guest != nullptr && guest->on;
        const bool has_all = on && std::all_of(disks.begin(), disks.end(), [&](const DiskSpec& disk) {
                                 return find_disk(guest->spec, disk.volume_id) != nullptr;
                             });
        if (!has_all) return not_running(guest_id);
        for (const DiskSpec& disk : disks) {
            DiskSpec& had = *find_disk(guest->spec, disk.volume_id);
            if (had.cuts >= disk.cuts) continue;
            if (guest->flat.erase(disk.volume_id) > 0) flattened_.insert(had.path);
            had.bases.insert(had.bases.begin(), {had.path, "qcow2", true});
            had.path = disk.path;
            had.cuts = disk.cuts;
            guest->flat_at_ms.erase(disk.volume_id);
        }
        return {};
    });
}

Status FakeHypervisor::flatten_disk(const GuestId& guest_id, const DiskSpec& disk) {
    return change(guest_id, [&](Guest* guest) -> Status {
        if (guest == nullptr || !guest->on || find_disk(guest->spec, disk.volume_id) == nullptr)
            return not_running(guest_id);
        guest->flat_at_ms.try_emplace(disk.volume_id, clock_.steady_ms() + flatten_ms_);
        end_flattening(*guest);
        return {};
    });
}

// What has gone on for long enough.
void FakeHypervisor::end_flattening(Guest& guest) {
    std::erase_if(guest.flat_at_ms, [&](const auto& each) {
        if (clock_.steady_ms() < each.second) return false;
        DiskSpec& disk = *find_disk(guest.spec, each.first);
        disk.bases.clear();
        guest.flat.insert(each.first);
        return true;
    });
}

std::set<std::string> FakeHypervisor::flattened() const {
    std::lock_guard lock(mutex_);
    return flattened_;
}

std::optional<DiskSpec> FakeHypervisor::disk(const GuestId& guest_id, const VolumeId& id) const {
    std::lock_guard lock(mutex_);
    const auto guest = guests_.find(guest_id);
    if (guest == guests_.end()) return std::nullopt;
    const DiskSpec* const found = find_disk(guest->second.spec, id);
    return found != nullptr ? std::optional(*found) : std::nullopt;
}

void FakeHypervisor::boot(Guest& guest) {
    guest.up_at_ms = clock_.steady_ms() + boot_ms_;
    guest.told_up = boot_ms_ == 0;
    say(guest, fmt::format("[    0.000000] Linux version 6.1.0 (lodge simulation) {} vcpus {} MiB",
                           guest.spec.vcpus, guest.spec.memory_mib));
    say(guest, "[    0.000000] Kernel command line: " + guest.spec.kernel_cmdline);
    say(guest, fmt::format("lodge-fake: instance-id {}", guest.spec.instance_id.str()));
    say(guest, fmt::format("lodge-fake: root disk /dev/vda {}", guest.spec.root.volume_id.str()));
    say(guest, "lodge-fake: ready");
}

void FakeHypervisor::reboot(Guest& guest) {
    say(guest, "lodge-fake: rebooting");
    ++guest.reboots;
    boot(guest);
    guest.up_at_ms = clock_.steady_ms();  // a machine that reboots is running all the while
}

void FakeHypervisor::end(Guest& guest, EndReason reason) {
    guest.on = false;
    guest.flat_at_ms.clear();
    guest.end_reason = reason;
}

Status FakeHypervisor::request_shutdown(const GuestId& guest_id) {
    return change(guest_id, [&](Guest* guest) -> Status {
        if (guest == nullptr || !guest->on || guest->deaf) return {};
        say(*guest, "lodge-fake: powering off");
        end(*guest, EndReason::guest_shutdown);
        return {};
    });
}

Status FakeHypervisor::destroy(const GuestId& guest_id) {
    return change(guest_id, [&](Guest* guest) -> Status {
        if (guest != nullptr && guest->on) end(*guest, EndReason::destroyed);
        return {};
    });
}

Status FakeHypervisor::undefine(const GuestId& guest_id) {
    return change(guest_id, [&](Guest* guest) -> Status {
        if (guest != nullptr && guest->on)
            return fail(ErrorCode::incorrect_instance_state, domain_name(guest_id) + " is running");
        guests_.erase(guest_id);
        return {};
    });
}

Status FakeHypervisor::request_reboot(const GuestId& guest_id) {
    return change(guest_id, [&](Guest* guest) -> Status {
        if (guest == nullptr || !guest->on) return not_running(guest_id);
        if (!guest->deaf) reboot(*guest);
        return {};
    });
}

Status FakeHypervisor::reset(const GuestId& guest_id) {
    return change(guest_id, [&](Guest* guest) -> Status {
        if (guest == nullptr || !guest->on) return not_running(guest_id);
        reboot(*guest);
        return {};
    });
}

Status FakeHypervisor::interrupt(const GuestId& guest_id) {
    return change(guest_id, [&](Guest* guest) -> Status {
        if (guest == nullptr || !guest->on) return not_running(guest_id);
        say(*guest, "lodge-fake: NMI received");
        return {};
    });
}

std::int64_t FakeHypervisor::reboots_seen(const GuestId& guest_id) {
    std::lock_guard lock(mutex_);
    const auto found = guests_.find(guest_id);
    return found == guests_.end() ? 0 : found->second.reboots;
}

void FakeHypervisor::tick() {
    bool came_up = false;
    {
        std::lock_guard lock(mutex_);
        for (auto& [id, guest] : guests_)
            if (!guest.told_up && state_of(guest) == DomainState::running) came_up = guest.told_up = true;
    }
    if (came_up) call_back();
}

void FakeHypervisor::say(const Guest& guest, const std::string& line) {
    std::string& console = consoles_[guest.spec.instance_id];
    console += line + "\r\n";
    if (console.size() > link::console_bytes) console.erase(0, console.size() - link::console_bytes);
}

std::string FakeHypervisor::console(const InstanceId& instance_id) const {
    std::lock_guard lock(mutex_);
    const auto found = consoles_.find(instance_id);
    return found == consoles_.end() ? std::string() : found->second;
}

void FakeHypervisor::forget_console(const InstanceId& instance_id) {
    std::lock_guard lock(mutex_);
    consoles_.erase(instance_id);
}

}  // namespace lodge::agent
