#include "agent/reconcile/decide.h"

#include <algorithm>

#include "agent/domain/disk_file.h"

namespace lodge::agent {
namespace {

// libvirt's own word counts, too: an agent may have been killed before it saw or told anything.
bool has_run(const View& view) {
    auto ended = view.domain ? view.domain->end_reason : EndReason::unknown;
    return view.ran || view.desired.observed == Observed::running ||
           view.desired.observed == Observed::stopped || ended == EndReason::guest_shutdown ||
           ended == EndReason::crashed || ended == EndReason::destroyed;
}

// An agent that was killed can leave a guest that runs looking like one that never did, if somebody pauses
// it.
bool running(const View& view) {
    return view.domain && (view.domain->state == DomainState::running ||
                           (view.domain->state == DomainState::held && has_run(view)));
}

bool held(const View& view) {
    return view.domain && view.domain->state == DomainState::held && !has_run(view);
}

bool is_on(const View& view) {
    return view.domain && view.domain->state != DomainState::shut_off;
}

bool starting(const View& view) {
    return view.domain && view.domain->state == DomainState::starting;
}

void give_reason(link::ObservedGuest& observed, const char* code, std::string text) {
    observed.reason_code = code;
    observed.reason = std::move(text);
}

// The guest ended although it was to run.
void explain_end(const View& view, link::ObservedGuest& observed) {
    switch (view.domain ? view.domain->end_reason : EndReason::unknown) {
        case EndReason::guest_shutdown:
            give_reason(observed, "Client.InstanceInitiatedShutdown", "Instance initiated shutdown");
            return;
        case EndReason::destroyed:
            give_reason(observed, "Server.InternalError", "The guest was ended on its host by hand");
            return;
        case EndReason::crashed:
            give_reason(observed, "Server.InternalError", "The guest crashed");
            return;
        case EndReason::failed:
            give_reason(observed, "Server.InternalError", "The guest's machine failed");
            return;
        case EndReason::unknown:
            break;
    }
    give_reason(
        observed, "Server.InternalError",
        view.domain ? "The guest's machine ended, perhaps with its host" : "The guest is gone from its host");
}

// As with a shutdown, the guest is asked; but once, since a second press could become a second reboot.
void decide_reboot(const View& view, const Patience& patience, Decision& out) {
    if (view.asked_reboot_ms == 0) {
        out.step = Step::ask_reboot;
    } else if (view.now_ms - view.asked_reboot_ms >= patience.reboot_ms) {
        out.step = Step::reset;
    } else {
        out.look_again_soon = true;
    }
}

bool is_wanted(const View& view, const NetworkInterfaceId& id) {
    return std::any_of(view.desired.interfaces.begin(), view.desired.interfaces.end(),
                       [&](const auto& each) { return each.network_interface_id == id; });
}

bool is_plugged(const View& view, const NetworkInterfaceId& id) {
    const auto& plugged = view.domain->interfaces;
    return std::find(plugged.begin(), plugged.end(), id) != plugged.end();
}

// What nobody wants any more counts until the guest has let go of it, whatever OVN makes of it.
void list_interfaces(const View& view, link::ObservedGuest& observed) {
    for (const auto& id : view.domain->interfaces)
        if (!is_wanted(view, id) || view.installed.contains(id)) observed.interfaces.push_back(id);
}

// One at a time. A guest that does not let go of one still gets others.
void decide_interfaces(const View& view, const Patience& patience, Decision& out) {
    for (const auto& id : view.domain->interfaces) {
        if (is_wanted(view, id)) continue;
        const auto asked = view.asked_detach_ms.find(id);
        if (asked == view.asked_detach_ms.end() || view.now_ms - asked->second >= patience.detach_again_ms) {
            out.step = Step::detach;
            out.interface = id;
            return;
        }
        out.look_again_soon = true;
    }
    for (const auto& each : view.desired.interfaces) {
        if (is_plugged(view, each.network_interface_id)) continue;
        out.step = Step::attach;
        out.interface = each.network_interface_id;
        return;
    }
}

template <class Disks>
bool has_disk(const Disks& disks, const VolumeId& id) {
    return std::any_of(disks.begin(), disks.end(), [&](const auto& each) { return each.volume_id == id; });
}

bool is_plugged(const View& view, const VolumeId& id) {
    return has_disk(*view.domain, id);
}

void list_disks(const View& view, const std::vector<link::GuestDisk>& wanted, link::ObservedGuest& observed) {
    for (const auto& id : view.domain->disks) {
        const auto known = view.adjusted.find(id);
        observed.disks.push_back(known == view.adjusted.end() ? link::ObservedDisk{.volume_id = id}
                                                              : known->second);
        const auto disk = std::find_if(wanted.begin(), wanted.end(),
                                       [&](const auto& each) { return each.volume_id == id; });
        const auto flat = view.domain->flat.find(id);
        if (disk != wanted.end() && disk->flatten && flat != view.domain->flat.end())
            observed.disks.back().flat = flat->second;
    }
}

// One at a time, and each only so often: one that fails, or that the guest clings to, keeps no other waiting.
void decide_disks(const View& view, const std::vector<link::GuestDisk>& wanted, const Patience& patience,
                  Decision& out) {
    const auto choose = [&](Step step, const VolumeId& id) {
        const auto tried = view.tried_disk_ms.find(id);
        if (tried != view.tried_disk_ms.end() && view.now_ms - tried->second < patience.detach_again_ms) {
            out.look_again_soon = true;
            return false;
        }
        if (out.step != Step::none) return false;
        out.step = step;
        out.volume = id;
        return true;
    };
    for (const auto& id : view.domain->disks)
        if (!has_disk(wanted, id)) choose(Step::detach_disk, id);
    for (const auto& disk : wanted) {
        if (disk.leaving) {
            if (is_plugged(view, disk.volume_id) && choose(Step::detach_disk, disk.volume_id))
                out.politely = true;
            continue;
        }
        const auto known = view.adjusted.find(disk.volume_id);
        if (is_plugged(view, disk.volume_id)) {
            if (known == view.adjusted.end() || known->second != as_desired(disk))
                choose(Step::adjust_disk, disk.volume_id);
        } else if (disk.volume_id != view.desired.root_volume_id) {
            choose(Step::attach_disk, disk.volume_id);
        }
    }
}

// All at once, so that what they hold is of one moment. A reboot comes first: whoever asks for both wants the
// disks as they are between two systems.
void decide_cuts(const View& view, const std::vector<link::GuestDisk>& wanted, Decision& out) {
    if (view.desired.reboots_wanted > view.desired.reboots_done) return;
    for (const auto& disk : wanted) {
        const std::int64_t has = file_number(view.domain->cuts, disk.volume_id);
        if (is_plugged(view, disk.volume_id) && has < disk.cuts) out.cuts[disk.volume_id] = has;
    }
    if (!out.cuts.empty()) out.step = Step::cut_disks;
}

// What lies under the disk's own file is not what it was when the control plane asked: it was flattened
// since.
bool is_done(const View& view, const link::GuestDisk& disk) {
    const auto flat = view.domain->flat.find(disk.volume_id);
    return flat != view.domain->flat.end() && file_number(view.domain->cuts, disk.volume_id) - flat->second <
                                                  static_cast<std::int64_t>(disk.layers.size());
}

// One that was begun and is not done may be under way still.
bool is_under_way(const View& view, const VolumeId& id, const Patience& patience) {
    const auto tried = view.tried_flatten.find(id);
    if (tried == view.tried_flatten.end() || view.now_ms - tried->second.at_ms >= patience.flatten_again_ms)
        return false;
    const auto flat = view.domain->flat.find(id);
    return flat == view.domain->flat.end() || flat->second < tried->second.file;
}

// Last of all: it takes long, and whatever else is done to the disk ends it.
void decide_flattening(const View& view, const std::vector<link::GuestDisk>& wanted, const Patience& patience,
                       Decision& out) {
    for (const auto& disk : wanted) {
        if (!disk.flatten || disk.leaving || !is_plugged(view, disk.volume_id) || is_done(view, disk) ||
            is_under_way(view, disk.volume_id, patience))
            continue;
        out.step = Step::flatten_disk;
        out.volume = disk.volume_id;
        out.file = file_number(view.domain->cuts, disk.volume_id);
        return;
    }
}

bool is_forgotten(const View& view, const std::pair<const VolumeId, std::int64_t>& flat) {
    const auto known = view.forgotten.find(flat.first);
    return known != view.forgotten.end() && known->second >= flat.second;
}

// Once the flat file was cut, and so is on the disk for certain; the control plane knows of it; and has got
// all that it wants of the disk's files.
void decide_forgetting(const View& view, const std::vector<link::GuestDisk>& wanted, Decision& out) {
    for (const auto& disk : wanted) {
        const auto flat = view.domain->flat.find(disk.volume_id);
        if (flat == view.domain->flat.end() ||
            flat->second >= file_number(view.domain->cuts, disk.volume_id) || is_forgotten(view, *flat) ||
            static_cast<std::int64_t>(disk.layers.size()) > disk.cuts - flat->second ||
            !disk.image.sha256.empty() || view.unsent.contains(disk.volume_id))
            continue;
        out.step = Step::forget_layers;
        out.volume = disk.volume_id;
        out.file = flat->second;
        return;
    }
}

void decide_running(const View& view, const Patience& patience, Decision& out) {
    if (running(view)) {
        out.observed.observed = Observed::running;
        list_interfaces(view, out.observed);
        const auto wanted = disks_of(view.desired);
        list_disks(view, wanted, out.observed);
        if (view.desired.interrupts_wanted > view.desired.interrupts_done) {
            out.step = Step::interrupt;
        } else if (view.desired.reboots_wanted > view.desired.reboots_done) {
            decide_reboot(view, patience, out);
        }
        if (out.step == Step::none && view.has_network) decide_interfaces(view, patience, out);
        if (out.step == Step::none) decide_disks(view, wanted, patience, out);
        if (out.step == Step::none) decide_cuts(view, wanted, out);
        if (out.step == Step::none) decide_flattening(view, wanted, patience, out);
        if (out.step == Step::none) decide_forgetting(view, wanted, out);
    } else if (has_run(view) && !starting(view)) {
        out.observed.observed = Observed::stopped;
        explain_end(view, out.observed);
    } else if (!view.start_failure.empty()) {
        out.observed.observed = Observed::failed;
        give_reason(out.observed, "Server.InternalError", view.start_failure);
    } else {
        out.observed.observed = Observed::starting;
        if (!view.start_trouble.empty())
            give_reason(out.observed, "Server.InternalError", view.start_trouble);
        if (!starting(view)) out.step = Step::start;
        out.anew = !view.domain;
        out.look_again_soon = starting(view);
    }
}

// Ends a domain that is on: by asking, for as long as patience lasts, then by force.
void decide_shutdown(const View& view, std::int64_t patience_ms, const Patience& patience, Decision& out) {
    out.observed.observed = view.desired.observed;  // it is on its way down; nothing new to tell
    out.look_again_soon = true;
    bool out_of_patience = view.asked_shutdown_ms > 0 && view.now_ms - view.asked_shutdown_ms >= patience_ms;
    if (view.desired.skip_os_shutdown || out_of_patience || starting(view) || held(view)) {
        out.step = Step::destroy;
    } else if (view.asked_shutdown_ms == 0 || view.now_ms - view.last_asked_ms >= patience.ask_again_ms) {
        out.step = Step::ask_shutdown;
    }
}

void decide_stopped(const View& view, const Patience& patience, Decision& out) {
    if (is_on(view)) {
        decide_shutdown(view, patience.stop_ms, patience, out);
    } else if (view.domain) {
        out.step = Step::undefine;
        out.observed.observed = view.desired.observed;
    } else {
        out.observed.observed = view.desired.observed == Observed::failed ? Observed::failed : Observed::gone;
    }
}

void decide_terminated(const View& view, const Patience& patience, Decision& out) {
    out.observed.observed = view.desired.observed;
    if (is_on(view)) {
        decide_shutdown(view, patience.terminate_ms, patience, out);
    } else if (view.domain) {
        out.step = Step::undefine;
    } else if (view.desired.observed != Observed::removed) {
        out.step = Step::remove_root;  // its success is reported as `removed`
    }
}

}  // namespace

// Without a default, so that the compiler asks for a new step's name; by these names tests know all of them.
std::string_view name_of(Step step) {
    switch (step) {
        case Step::none:
            return "none";
        case Step::start:
            return "start";
        case Step::ask_shutdown:
            return "ask shutdown";
        case Step::destroy:
            return "destroy";
        case Step::undefine:
            return "undefine";
        case Step::remove_root:
            return "remove root";
        case Step::ask_reboot:
            return "ask reboot";
        case Step::reset:
            return "reset";
        case Step::interrupt:
            return "interrupt";
        case Step::end_strays:
            return "end strays";
        case Step::attach:
            return "attach";
        case Step::detach:
            return "detach";
        case Step::attach_disk:
            return "attach disk";
        case Step::detach_disk:
            return "detach disk";
        case Step::adjust_disk:
            return "adjust disk";
        case Step::cut_disks:
            return "cut disks";
        case Step::flatten_disk:
            return "flatten disk";
        case Step::forget_layers:
            return "forget layers";
    }
    return {};
}

std::vector<link::GuestDisk> disks_of(const link::DesiredGuest& guest) {
    std::vector<link::GuestDisk> all = {{guest.root_volume_id, "vda", guest.root_size_bytes, guest.root_iops,
                                         guest.root_bytes_per_s, guest.image, guest.keep_root,
                                         guest.root_layers, guest.root_cuts, false, guest.root_key,
                                         guest.root_flatten}};
    all.insert(all.end(), guest.disks.begin(), guest.disks.end());
    return all;
}

WantedDisk wanted_disk(const link::GuestDisk& disk, bool grow) {
    return {disk.volume_id, disk.size_bytes, disk.image, disk.keep, grow, disk.layers, disk.cuts, disk.key};
}

link::ObservedDisk as_desired(const link::GuestDisk& disk) {
    return {disk.volume_id, disk.size_bytes, disk.iops, disk.bytes_per_s};
}

Decision decide(const View& view, const Patience& patience) {
    Decision out;
    out.observed.guest_id = view.desired.guest_id;
    out.observed.generation = view.desired.generation;
    out.observed.reboots_done = view.desired.reboots_done;
    out.observed.interrupts_done = view.desired.interrupts_done;
    switch (view.desired.desired) {
        case Desired::running:
            decide_running(view, patience, out);
            break;
        case Desired::stopped:
            decide_stopped(view, patience, out);
            break;
        case Desired::terminated:
            decide_terminated(view, patience, out);
            break;
    }
    // One instance, one disk: neither a second guest may use it, nor may it go while one does.
    if (view.stray && (out.step == Step::start || out.step == Step::remove_root)) out.step = Step::end_strays;
    return out;
}

}  // namespace lodge::agent
