// Guests that exist in memory alone, for simulated hosts and for tests: deterministic, blocks only if told
// to. Any thread.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "agent/hypervisor/hypervisor.h"
#include "proto/base/clock.h"

namespace lodge::agent {

class FakeHypervisor final : public Hypervisor {
  public:
    // `clock` must outlive this. A guest is `starting` for `boot_ms` after start(), then `running`; 0: at
    // once.
    FakeHypervisor(const Clock& clock, Capacity capacity, std::int64_t boot_ms = 0);

    Result<Capacity> capacity() override;
    Result<std::vector<Domain>> list() override;
    Status start(const GuestSpec& spec, const Gate& gate) override;
    Status attach_interface(const GuestId& guest_id, const Nic& nic) override;
    Status request_detach(const GuestId& guest_id, const NetworkInterfaceId& id) override;
    Status attach_disk(const GuestId& guest_id, const DiskSpec& disk) override;
    Status request_detach(const GuestId& guest_id, const VolumeId& id, bool politely) override;
    Status adjust_disk(const GuestId& guest_id, const DiskSpec& disk) override;
    Status cut_disks(const GuestId& guest_id, const std::vector<DiskSpec>& disks) override;
    Status flatten_disk(const GuestId& guest_id, const DiskSpec& disk) override;
    Status request_shutdown(const GuestId& guest_id) override;
    Status destroy(const GuestId& guest_id) override;
    Status undefine(const GuestId& guest_id) override;
    Status request_reboot(const GuestId& guest_id) override;
    Status reset(const GuestId& guest_id) override;
    Status interrupt(const GuestId& guest_id) override;
    std::int64_t reboots_seen(const GuestId& guest_id) override;
    void on_change(std::function<void()> callback) override;

    // Calls back if a guest has come up since the last call: time makes no event by itself.
    void tick();
    // What the guest has written to its serial console: boot lines, the instance's ID among them. Outlives
    // the guest.
    std::string console(const InstanceId& instance_id) const;
    void forget_console(const InstanceId& instance_id);

    // What tests do to it; nothing to a guest that is not running.
    void fail_next_start(std::string message);
    void guest_powers_off(const GuestId& guest_id);  // the user inside does
    void guest_reboots(const GuestId& guest_id);
    void crash(const GuestId& guest_id);
    void set_deaf(const GuestId& guest_id, bool deaf);          // a guest that does not react to ACPI
    void set_clinging(const GuestId& guest_id, bool clinging);  // it does not let go of interfaces and disks
    void set_mounted(const GuestId& guest_id, const VolumeId& id, bool mounted);
    void leave_held(const GuestSpec& spec);  // as an agent does that dies in start()
    void set_flatten_ms(std::int64_t ms);    // for how long flattening a disk takes
    void set_unavailable(bool unavailable);
    void set_stuck(bool stuck);  // list() does not return until it is no longer

    // As the guest has it, its root disk too; nothing if it has no such disk.
    std::optional<DiskSpec> disk(const GuestId& guest_id, const VolumeId& id) const;
    // The paths of all files that were flattened, and cut after that.
    std::set<std::string> flattened() const;
    // What list() would say if it could be asked.
    std::vector<Domain> peek() const;

  private:
    struct Guest {
        GuestSpec spec;
        bool on = false;
        bool held = false;
        std::int64_t up_at_ms = 0;  // by the steady clock
        bool told_up = false;       // tick() has called back for it
        EndReason end_reason = EndReason::unknown;
        std::int64_t reboots = 0;
        bool deaf = false;
        bool clinging = false;
        std::set<VolumeId> mounted = {};
        std::map<VolumeId, std::int64_t> flat_at_ms = {};  // when each will be that is being flattened
        std::set<VolumeId> flat = {};                      // those that are, since they were cut last
    };

    // Runs `act(guest or null)` under the lock, unless unavailable; calls back when it succeeded.
    Status change(const GuestId& guest_id, const std::function<Status(Guest*)>& act);
    void to_running(const GuestId& guest_id, const std::function<void(Guest&)>& act);
    void end(Guest& guest, EndReason reason);
    void boot(Guest& guest);
    void reboot(Guest& guest);
    DomainState state_of(const Guest& guest) const;
    std::vector<Domain> list_locked() const;
    void end_flattening(Guest& guest);
    Status hold_locked(const GuestSpec& spec);
    Status let_run(const GuestId& guest_id);
    void say(const Guest& guest, const std::string& line);
    void call_back();

    const Clock& clock_;
    const Capacity capacity_;
    const std::int64_t boot_ms_;
    mutable std::mutex mutex_;
    std::map<GuestId, Guest> guests_;
    std::map<InstanceId, std::string> consoles_;
    std::set<std::string> flattened_;
    std::int64_t flatten_ms_ = 0;
    std::optional<std::string> next_start_fails_;
    bool unavailable_ = false;
    bool stuck_ = false;
    std::condition_variable unstuck_;
    std::mutex callback_mutex_;
    std::function<void()> callback_;
};

}  // namespace lodge::agent
