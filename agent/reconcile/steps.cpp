// The steps that the agent's workers carry out. Each may be run twice, or die half way: the next look finds
// what is there and goes on.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "agent/reconcile/agent.h"

namespace lodge::agent {
namespace {

constexpr std::int64_t shortest_backoff_ms = 500;
constexpr std::int64_t longest_backoff_ms = 15'000;
constexpr std::int64_t launch_data_patience_ms = 2'000;

// Nobody answering may pass; a missing image or a broken disk will not.
bool may_pass(const Error& error) {
    return error.code == ErrorCode::service_unavailable;
}

// Without its paths.
DiskSpec spec_of(const link::GuestDisk& disk) {
    DiskSpec spec;
    spec.volume_id = disk.volume_id;
    spec.target = disk.target;
    spec.size_bytes = disk.size_bytes;
    spec.limits = {disk.iops, disk.bytes_per_s};
    spec.cuts = disk.cuts;
    spec.key = disk.key;
    return spec;
}

}  // namespace

void Agent::carry_out(const link::DesiredGuest& desired, const Decision& decision) {
    Status status;
    switch (decision.step) {
        case Step::start:
            status = run_start(desired, decision.anew);
            break;
        case Step::ask_shutdown:
            status = hypervisor_.request_shutdown(desired.guest_id);
            break;
        case Step::destroy:
            status = hypervisor_.destroy(desired.guest_id);
            break;
        case Step::undefine:
            status = hypervisor_.undefine(desired.guest_id);
            if (status) status = storage_.remove_store_disks(desired.guest_id);
            break;
        case Step::remove_root:
            status = run_removal(desired);
            break;
        case Step::ask_reboot:
            status = hypervisor_.request_reboot(desired.guest_id);
            break;
        case Step::reset:
            status = hypervisor_.reset(desired.guest_id);
            break;
        case Step::interrupt:
            status = hypervisor_.interrupt(desired.guest_id);
            break;
        case Step::end_strays:
            status = end_strays(desired);
            break;
        case Step::attach:
            status = run_attach(desired, decision.interface);
            break;
        case Step::detach:
            status = hypervisor_.request_detach(desired.guest_id, decision.interface);
            break;
        case Step::attach_disk:
        case Step::detach_disk:
        case Step::adjust_disk:
        case Step::flatten_disk:
            status = run_disk_step(desired, decision);
            break;
        case Step::cut_disks:
            status = run_cut(desired, decision.cuts);
            break;
        case Step::forget_layers:
            status = storage_.forget_layers(decision.volume, decision.file);
            break;
        case Step::none:
            break;
    }
    note_result(desired, decision, status);
    kick();
}

bool Agent::has_images(const link::DesiredGuest& desired) {
    const auto here = [this](const link::Content& content) {
        return content.sha256.empty() || storage_.has_image(content);
    };
    const auto disks = disks_of(desired);
    return here(desired.kernel) && here(desired.ramdisk) &&
           std::all_of(disks.begin(), disks.end(), [&](const auto& disk) {
               return here(disk.image) && std::all_of(disk.layers.begin(), disk.layers.end(), here);
           });
}

Result<DiskSpec> Agent::make_disk(const link::GuestDisk& desired, bool grow) {
    DiskSpec disk = spec_of(desired);
    LODGE_TRY(auto chain, storage_.ensure_disk(wanted_disk(desired, grow)));
    disk.path = std::move(chain.path);
    disk.bases = std::move(chain.bases);
    return disk;
}

Result<GuestSpec> Agent::make_spec(const link::DesiredGuest& desired, bool anew) {
    GuestSpec spec;
    spec.guest_id = desired.guest_id;
    spec.instance_id = desired.instance_id;
    spec.host_id = options_.host_id;
    spec.instance_type = desired.instance_type;
    spec.architecture = desired.architecture;
    spec.vcpus = desired.vcpus;
    spec.core_count = desired.core_count;
    spec.threads_per_core = desired.threads_per_core;
    spec.memory_mib = desired.memory_mib;
    spec.kernel_cmdline = desired.kernel_cmdline;
    spec.console_path = storage_.console_path(desired.instance_id);
    if (!desired.kernel.sha256.empty()) {
        LODGE_TRY(spec.kernel_path, storage_.ensure_image(desired.kernel));
    }
    if (!desired.ramdisk.sha256.empty()) {
        LODGE_TRY(spec.ramdisk_path, storage_.ensure_image(desired.ramdisk));
    }
    for (const auto& each : disks_of(desired)) {
        if (each.leaving) continue;
        LODGE_TRY(spec.disks.emplace_back(), make_disk(each, anew));
    }
    for (std::int64_t number = 0; number < desired.store_disks; ++number) {
        LODGE_TRY(spec.store_disks.emplace_back(),
                  storage_.ensure_store_disk(desired.guest_id, number, desired.store_disk_bytes));
    }
    if (desired.boot_mode == BootMode::uefi) {
        LODGE_TRY(spec.firmware, storage_.ensure_firmware(desired.root_volume_id));
    }
    spec.root = std::move(spec.disks.front());
    spec.disks.erase(spec.disks.begin());
    if (network_.kind() == NetworkKind::present)
        for (const auto& each : desired.interfaces) spec.interfaces.push_back(nic_of(each));
    return spec;
}

Nic Agent::nic_of(const link::GuestInterface& interface) const {
    std::lock_guard lock(mutex_);
    return {interface.network_interface_id, interface.port_uuid, interface.mac,
            chassis_ ? chassis_->guest_mtu : 0};
}

Status Agent::run_start(const link::DesiredGuest& desired, bool anew) {
    LODGE_TRY(const GuestSpec spec, make_spec(desired, anew));
    if (spec.interfaces.empty()) return hypervisor_.start(spec, [] { return Status(); });
    return start_plugged(spec);
}

// A failure while the host's network is not well is put down to that, which may pass.
Status Agent::start_plugged(const GuestSpec& spec) {
    LODGE_CHECK(network_is_well());
    if (!metadata_.await_launch_data(spec.guest_id, launch_data_patience_ms))
        return fail(ErrorCode::service_unavailable,
                    "the control plane has yet to tell the guest's user data");
    std::vector<Port> ports;
    for (const Nic& nic : spec.interfaces) {
        LODGE_CHECK(network_.release(nic.port_uuid));
        ports.push_back({nic.network_interface_id, nic.port_uuid});
    }
    const Status started =
        hypervisor_.start(spec, [&] { return network_.wait_installed(ports, options_.port_patience_ms); });
    if (!started && !may_pass(started.error())) LODGE_CHECK(network_is_well());
    return started;
}

Status Agent::network_is_well() {
    const std::string problem = network_.problem();
    return problem.empty() ? Status() : fail(ErrorCode::service_unavailable, problem);
}

Status Agent::run_attach(const link::DesiredGuest& desired, const NetworkInterfaceId& id) {
    LODGE_CHECK(network_is_well());
    for (const auto& each : desired.interfaces) {
        if (each.network_interface_id != id) continue;
        LODGE_CHECK(network_.release(each.port_uuid));
        LODGE_CHECK(hypervisor_.attach_interface(desired.guest_id, nic_of(each)));
    }
    return {};
}

// Snapshots that came one after the other, before any of them was made, leave empty layers between.
Status Agent::run_cut(const link::DesiredGuest& desired, const std::map<VolumeId, std::int64_t>& cuts) {
    std::vector<DiskSpec> disks;
    for (const auto& each : disks_of(desired)) {
        const auto has = cuts.find(each.volume_id);
        if (has == cuts.end()) continue;
        DiskSpec& disk = disks.emplace_back(spec_of(each));
        for (auto number = has->second + 1; number <= each.cuts; ++number) {
            LODGE_TRY(disk.path, storage_.add_file(each.volume_id, number, each.key));
        }
    }
    return hypervisor_.cut_disks(desired.guest_id, disks);
}

// What all disks may hold that are to be flattened, this one or others whose turn it is at the same time.
std::int64_t Agent::bytes_to_flatten() const {
    std::int64_t bytes = 0;
    std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : guests_)
        for (const auto& disk : disks_of(entry.desired))
            if (disk.flatten) bytes += disk.size_bytes;
    return bytes;
}

// Only where all of it has room: filling up the host would stop its guests.
Status Agent::run_flattening(const GuestId& guest_id, const link::GuestDisk& disk) {
    LODGE_TRY(const DiskSpace space, storage_.disk_space());
    if (space.free_mib >= bytes_to_flatten() / (1 << 20))
        return hypervisor_.flatten_disk(guest_id, spec_of(disk));
    spdlog::warn("{} lies on {} layers, and is not flattened while but {} MiB are free", disk.volume_id.str(),
                 disk.layers.size(), space.free_mib);
    return {};
}

Status Agent::run_disk_step(const link::DesiredGuest& desired, const Decision& decision) {
    if (decision.step == Step::detach_disk)
        return hypervisor_.request_detach(desired.guest_id, decision.volume, decision.politely);
    for (const auto& each : disks_of(desired)) {
        if (each.volume_id != decision.volume) continue;
        if (decision.step == Step::adjust_disk)
            return hypervisor_.adjust_disk(desired.guest_id, spec_of(each));
        if (decision.step == Step::flatten_disk) return run_flattening(desired.guest_id, each);
        LODGE_TRY(const DiskSpec disk, make_disk(each, true));
        return hypervisor_.attach_disk(desired.guest_id, disk);
    }
    return {};
}

Status Agent::end_strays(const link::DesiredGuest& desired) {
    LODGE_TRY(auto domains, hypervisor_.list());
    for (const auto& domain : domains) {
        if (domain.instance_id != desired.instance_id) continue;
        {
            std::lock_guard lock(mutex_);
            if (guests_.contains(domain.guest_id)) continue;
        }
        spdlog::warn("guest {}: ended, since nobody asked for it and guest {} needs its disk",
                     domain.guest_id.str(), desired.guest_id.str());
        LODGE_CHECK(hypervisor_.destroy(domain.guest_id));
        LODGE_CHECK(hypervisor_.undefine(domain.guest_id));
    }
    return {};
}

Status Agent::run_removal(const link::DesiredGuest& desired) {
    // The console's last words go to the control plane before their file goes.
    link::ReportRequest report;
    report.consoles.push_back(console_of(desired.instance_id));
    if (!report.consoles.front().bytes.empty()) LODGE_CHECK(link_.report(report).map([](auto&&) {}));
    if (!desired.root_volume_id.empty())
        LODGE_CHECK(desired.root_stays ? storage_.remove_variables(desired.root_volume_id)
                                       : storage_.remove_disk(desired.root_volume_id));
    return storage_.remove_console(desired.instance_id);
}

void Agent::end_reboot(Entry& entry) {
    entry.reboots_done = std::max(entry.reboots_done, entry.reboot_asked);
    entry.asked_reboot_ms = 0;
}

// What the guest has for certain from now on. A start that went on with a machine made that of an older wish.
void Agent::note_disks(Entry& entry, const link::DesiredGuest& desired, const Decision& decision) {
    if (decision.step == Step::start) entry.adjusted.clear();
    if (decision.step == Step::detach_disk) entry.adjusted.erase(decision.volume);
    for (const auto& disk : disks_of(desired)) {
        const bool adjusted = disk.volume_id == decision.volume &&
                              (decision.step == Step::attach_disk || decision.step == Step::adjust_disk);
        if (adjusted || (decision.step == Step::start && decision.anew))
            entry.adjusted[disk.volume_id] = as_desired(disk);
    }
}

void Agent::note_result(const link::DesiredGuest& desired, const Decision& decision, const Status& status) {
    const Step step = decision.step;
    std::lock_guard lock(mutex_);
    auto found = guests_.find(desired.guest_id);
    if (found == guests_.end()) return;
    auto& entry = found->second;
    entry.busy = false;
    entry.step_ended = ++steps_ended_;
    // Those asked for meanwhile are one, and one that the machine refuses is not tried again: neither may
    // keep the guest's other steps waiting.
    if (step == Step::interrupt && (status || !may_pass(status.error())))
        entry.interrupts_done = desired.interrupts_wanted;
    if (status) {
        entry.backoff_ms = 0;
        entry.ran = entry.ran || step == Step::start;
        note_disks(entry, desired, decision);
        if (step == Step::start) entry.start_trouble.clear();
        if (step == Step::forget_layers) entry.forgotten[decision.volume] = decision.file;
        if (step == Step::remove_root) entry.removed = true;
        if (step == Step::ask_reboot) {
            entry.asked_reboot_ms = clock_.steady_ms();
            entry.reboot_asked = desired.reboots_wanted;
        }
        if (step == Step::reset) end_reboot(entry);
        return;
    }
    spdlog::warn("guest {}: {} failed: {}", desired.guest_id.str(), name_of(step), status.error().message);
    if (step == Step::start && !may_pass(status.error())) {
        entry.start_failure = status.error().message;
        return;
    }
    if (step == Step::start) entry.start_trouble = status.error().message;
    entry.backoff_ms = std::clamp(entry.backoff_ms * 2, shortest_backoff_ms, longest_backoff_ms);
    entry.not_before_ms = clock_.steady_ms() + entry.backoff_ms;
}

}  // namespace lodge::agent
