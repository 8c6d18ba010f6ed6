// What the control plane knows of its hosts without writing it down: leases, what agents are waiting for.
// A restart forgets it: a host is unreachable until it has said hello again, and settling() until two leases
// have passed, since a thousand that come back at once take longer than one.
// Thread-safe; callbacks run on the given executor, never under a lock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/agent/messages.h"
#include "proto/base/clock.h"
#include "proto/base/random.h"
#include "proto/model/host.h"
#include "scheduler/placement/capacity_index.h"

namespace lodge::scheduler {

// Runs a task soon, on another thread or, in a simulation, at once. False when it cannot take it now; the hub
// then tries again at its next tick.
using Executor = std::function<bool(const std::function<void()>&)>;

struct Liveness {
    bool heard = false;                     // since this process started
    bool greeted = false;                   // it has said hello since then
    std::int64_t last_heard_steady_ms = 0;  // of the clock's steady time
    std::int64_t well_since_steady_ms = 0;  // its lease held and its hypervisor answered without a break
    link::Heartbeat last;
    std::string accelerator;
};

class HostHub {
  public:
    HostHub(const Clock& clock, Random& random, Executor executor, std::int64_t lease_ms,
            std::int64_t reserved_disk_mib);

    // Leases.
    void heard(const HostId& id, const link::Heartbeat* heartbeat);
    void said_hello(const HostId& id, const std::string& accelerator);
    // It was not taken in after all: the host has to say it again, though it is heard.
    void take_back_hello(const HostId& id);
    bool known(const HostId& id) const;
    // What was known of it counts no more, until it says hello again.
    void forget(const HostId& id);
    Liveness liveness(const HostId& id) const;
    // Whether its lease holds, greeted or not.
    bool hears(const HostId& id) const;
    // `draining` and what the lease and the last heartbeat say.
    HostCondition condition(const HostId& id, HostState state) const;
    // Whether what is on the host is well, drained or not.
    bool serves(const HostId& id) const;
    // For how long the host could have told how its guests are, without a break up to now; 0 when it cannot.
    std::int64_t well_ms(const HostId& id) const;
    // Whether the host has not been heard only because this process is young.
    bool settling(const HostId& id) const;

    // Long polls. A host's desired state has a version; changed() raises it and answers the waiting poll.
    std::string version(const HostId& id) const;
    void changed(const HostId& id);
    // Calls `ready` once, when the version is no longer `known_version`, a console is asked for, or after
    // `wait_ms`. A newer wait of the same host answers the older one.
    void wait(const HostId& id, const std::string& known_version, std::int64_t wait_ms,
              std::function<void()> ready);
    // Answers the waits whose time is up, and whom the executor had no room for; call it every second or so.
    // When it was not called for half a lease, this process stood still (stopped, or its machine paused):
    // such time is nobody's silence and in no lease.
    void tick();
    // Answers all waits, and later ones at once: for shutdown, after the servers accept no more.
    void release_all();

    // Consoles. `arrived` is called once, when the agent has sent it; forget() with the returned ticket
    // before.
    std::uint64_t request_console(const HostId& host, const InstanceId& instance,
                                  std::function<void()> arrived);
    void forget_console(std::uint64_t ticket);
    std::vector<InstanceId> console_requests(const HostId& host) const;
    void console_arrived(const InstanceId& instance);

  private:
    void renew(Liveness& liveness) const;
    void leave_out_standstill();

    struct Wait {
        std::int64_t until_steady_ms = 0;
        std::function<void()> ready;
    };
    struct HostEntry {
        Liveness liveness;
        std::uint64_t version = 0;
        Wait wait;
    };
    struct ConsoleRequest {
        HostId host;
        InstanceId instance;
        std::function<void()> arrived;
    };

    std::string version_text(std::uint64_t version) const;
    std::function<void()> take_wait(HostEntry& entry);
    bool has_console_request(const HostId& host) const;
    void run(std::function<void()> task);

    const Clock& clock_;
    const Executor executor_;
    const std::int64_t lease_ms_;
    const std::int64_t reserved_disk_mib_;
    const std::int64_t started_steady_ms_;
    std::int64_t last_tick_steady_ms_;
    const std::string boot_;  // versions of an earlier process never match
    mutable std::mutex mutex_;
    std::unordered_map<HostId, HostEntry> hosts_;
    std::map<std::uint64_t, ConsoleRequest> consoles_;
    std::vector<std::function<void()>> refused_;  // by the executor
    std::uint64_t next_ticket_ = 1;
    bool stopping_ = false;
};

}  // namespace lodge::scheduler
