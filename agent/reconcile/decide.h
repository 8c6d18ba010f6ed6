// What to do next about one guest: pure, so that every case can be looked at in a test.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "agent/hypervisor/hypervisor.h"
#include "agent/storage/storage.h"
#include "proto/agent/messages.h"

namespace lodge::agent {

enum class Step {
    none,
    start,         // image, overlay, domain
    ask_shutdown,  // ACPI, the first time or again
    destroy,
    undefine,
    remove_root,
    ask_reboot,  // ACPI
    reset,       // what a guest gets that does not listen
    interrupt,   // a non-maskable one
    end_strays,  // guests of the same instance that nobody asked for
    attach,      // an interface
    detach,      // ask the guest to let go of one, the first time or again
    attach_disk,
    detach_disk,  // as detach
    adjust_disk,  // its size and limits
    cut_disks,    // for snapshots
    flatten_disk,
    forget_layers,  // of a disk that was flattened
};
// "ask shutdown"; empty for a number that is no step's.
std::string_view name_of(Step step);

// The last time that a disk was to be flattened, and the file that it had then.
struct FlattenTry {
    std::int64_t at_ms = 0;  // steady
    std::int64_t file = 0;
};

// Everything that is known about a guest at one moment.
struct View {
    link::DesiredGuest desired;
    std::optional<Domain> domain;            // as the hypervisor has it; nothing if it has none
    bool stray = false;                      // it has another guest of the instance that nobody asked for
    bool ran = false;                        // this process has started it, or seen it running
    std::string start_failure;               // of the last attempt, if it is not worth another
    std::string start_trouble;               // of the last attempt, if it is
    std::int64_t asked_shutdown_ms = 0;      // steady time of the first request; 0: not asked
    std::int64_t last_asked_ms = 0;          // and of the last one
    std::int64_t asked_reboot_ms = 0;        // of a reboot that has not come yet
    bool has_network = false;                // guests here have interfaces
    std::set<NetworkInterfaceId> installed;  // of the wanted ones
    std::map<NetworkInterfaceId, std::int64_t> asked_detach_ms;  // the last time of each
    std::map<VolumeId, link::ObservedDisk> adjusted;  // what this process knows of the domain's disks
    std::map<VolumeId, std::int64_t> tried_disk_ms;   // when each was last attached, detached or adjusted
    std::map<VolumeId, FlattenTry> tried_flatten;
    std::set<VolumeId> unsent;                   // those of whose files the control plane wants some
    std::map<VolumeId, std::int64_t> forgotten;  // which file of each this process has left as the first one
    std::int64_t now_ms = 0;                     // steady
};

// In milliseconds.
struct Patience {
    std::int64_t stop_ms = 90'000;         // from the first ACPI request to force, for StopInstances
    std::int64_t terminate_ms = 20'000;    // the same for TerminateInstances
    std::int64_t ask_again_ms = 2'000;     // a guest that is still booting misses the first request
    std::int64_t reboot_ms = 60'000;       // from the ACPI request to a reset
    std::int64_t detach_again_ms = 5'000;  // a guest that is still booting does not let go of anything
    std::int64_t flatten_again_ms = 60'000;
};

struct Decision {
    Step step = Step::none;
    bool anew = false;                           // to start: the hypervisor knows nothing of the guest
    NetworkInterfaceId interface;                // to attach or detach
    VolumeId volume;                             // the same, or to adjust, flatten or forget layers of
    std::int64_t file = 0;                       // to flatten: that it has now; to forget: the flat one
    bool politely = false;                       // to detach a volume: not while it is mounted
    std::map<VolumeId, std::int64_t> cuts = {};  // the volumes to cut, and the files they have now
    link::ObservedGuest observed;  // what to report; equal to what the control plane knows: nothing to say
    bool look_again_soon = false;  // time alone may change the decision
};

// The root disk, as "vda", and the others.
std::vector<link::GuestDisk> disks_of(const link::DesiredGuest& guest);
// As storage is to have it.
WantedDisk wanted_disk(const link::GuestDisk& disk, bool grow);
// As a report tells it when the guest has it as desired.
link::ObservedDisk as_desired(const link::GuestDisk& disk);

Decision decide(const View& view, const Patience& patience);

}  // namespace lodge::agent
