// The seam to what runs guests, cut at what Lodge wants of it. Two implementations: libvirt and the fake.
// All calls may block for as long as the hypervisor takes (the agent calls them from worker threads) and are
// safe from several threads for different guests. No call touches a domain that is not this host's: each
// carries its owner. Errors are service_unavailable when the hypervisor cannot be asked now, io_failure when
// it refused, with its own words.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/domain/guest_spec.h"
#include "proto/base/result.h"

namespace lodge::agent {

// `starting`: a call of start() is not through yet, or the machine is not up; it may still fail. `held`: it
// has its machine and was never let run; unless a call of start() is at it, that call's process has ended.
enum class DomainState { starting, held, running, shut_off };

// Why a domain is shut off, as far as the hypervisor knows.
enum class EndReason { unknown, guest_shutdown, destroyed, crashed, failed };

struct Domain {
    GuestId guest_id;
    InstanceId instance_id;
    DomainState state = DomainState::shut_off;
    EndReason end_reason = EndReason::unknown;
    std::vector<NetworkInterfaceId> interfaces = {};  // plugged in; of a domain that is on
    std::vector<VolumeId> disks = {};                 // the same, the root disk among them
    std::map<VolumeId, std::int64_t> cuts = {};       // their files' numbers, but for those of 0
    std::map<VolumeId, std::int64_t> flat = {};       // which of their files nothing lies under
};

inline bool has_disk(const Domain& domain, const VolumeId& id) {
    return std::find(domain.disks.begin(), domain.disks.end(), id) != domain.disks.end();
}

struct Capacity {
    std::string host_name;
    std::string architecture;     // "x86_64"
    std::int64_t vcpus = 0;       // the machine's threads
    std::int64_t memory_mib = 0;  // all of the machine's
    std::string accelerator;      // "kvm" or "qemu"
};

// Whether a guest may run now that all it has is plugged in. Blocks for as long as it takes, which must be
// bounded.
using Gate = std::function<Status()>;

class Hypervisor {
  public:
    virtual ~Hypervisor() = default;

    virtual Result<Capacity> capacity() = 0;
    // All of Lodge's domains on this machine, running or not. An error means that the hypervisor cannot be
    // asked now.
    virtual Result<std::vector<Domain>> list() = 0;

    // Defines the domain (replacing a definition of the same guest that is not running), makes its machine
    // with everything plugged in, asks `gate`, and lets it run. A running one is left alone: success, without
    // asking; one that is held is gone on with. After an error nothing of it is defined, and gate's own error
    // is returned as it is; but after service_unavailable of the hypervisor itself it may be left held. Fails
    // while another guest of the same instance is defined: they share a UUID, so that two never run.
    virtual Status start(const GuestSpec& spec, const Gate& gate) = 0;

    // Plugs the interface into the running guest. Success when it is plugged in already;
    // incorrect_instance_state unless the guest runs.
    virtual Status attach_interface(const GuestId& guest_id, const Nic& nic) = 0;
    // Asks the guest to let go of the interface and returns at once; list() tells when it has. A guest that
    // does not hear it, since it is not up, say, is to be asked again. Success when it is not plugged in, or
    // the guest is off or unknown.
    virtual Status request_detach(const GuestId& guest_id, const NetworkInterfaceId& id) = 0;

    // The same for disks. The file must not be another guest's at the time: QEMU locks it.
    virtual Status attach_disk(const GuestId& guest_id, const DiskSpec& disk) = 0;
    // `politely`: not while the guest says that a file system of it is mounted, which takes an agent in
    // there.
    virtual Status request_detach(const GuestId& guest_id, const VolumeId& id, bool politely) = 0;
    // Makes the running guest see a disk of that size, and holds it to those limits. A larger disk is left as
    // large as it is. incorrect_instance_state unless the guest runs and has the disk.
    virtual Status adjust_disk(const GuestId& guest_id, const DiskSpec& disk) = 0;

    // Makes the running guest write to new files from one moment on, the same for all of the disks: `path`,
    // an empty file, takes the place of what each has, which stays under it and is written to no more. Where
    // the guest has an agent that answers, its file systems are at rest at that moment. All or none.
    // incorrect_instance_state unless the guest runs and has the disks.
    virtual Status cut_disks(const GuestId& guest_id, const std::vector<DiskSpec>& disks) = 0;

    // Begins to copy what lies under the disk's own file into that, and returns at once; list() tells when it
    // is done. Cutting, detaching or growing the disk ends it, and it is to be begun again. Success when it
    // goes on or is done already. incorrect_instance_state unless the guest runs and has the disk.
    virtual Status flatten_disk(const GuestId& guest_id, const DiskSpec& disk) = 0;

    // Asks the guest to power off (ACPI) and returns at once. Success when it is off already or unknown. A
    // guest that is not up yet does not hear it: ask again.
    virtual Status request_shutdown(const GuestId& guest_id) = 0;
    // Ends the domain at once. Success when it is off already or unknown.
    virtual Status destroy(const GuestId& guest_id) = 0;
    // Removes the definition of a domain that is off. Success when it is unknown.
    virtual Status undefine(const GuestId& guest_id) = 0;
    // Asks the guest to reboot (ACPI) and returns at once; the domain stays the same.
    // incorrect_instance_state unless it runs. A guest that does not react must be reset(): until then, its
    // next power-off would become the reboot.
    virtual Status request_reboot(const GuestId& guest_id) = 0;
    // Resets the machine without asking the guest. incorrect_instance_state unless it runs.
    virtual Status reset(const GuestId& guest_id) = 0;
    // Gives the guest a non-maskable interrupt. incorrect_instance_state unless it runs.
    virtual Status interrupt(const GuestId& guest_id) = 0;
    // How often the guest has rebooted (by itself, asked or reset) since this process has watched it.
    // Does not block.
    virtual std::int64_t reboots_seen(const GuestId& guest_id) = 0;

    // Called, from any thread, when a domain may have changed state. Set once, before other calls. It must
    // not call the hypervisor itself.
    virtual void on_change(std::function<void()> callback) = 0;
};

}  // namespace lodge::agent
