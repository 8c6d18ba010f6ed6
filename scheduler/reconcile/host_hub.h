// What the control plane knows of its hosts without writing it down: leases, what agents are waiting for.
// A restart forgets it; every host then has a whole lease to be heard again before it counts as unreachable.
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

// Runs a task soon, on another thread or, in a simulation, at once.
using Executor = std::function<void(std::function<void()>)>;

struct Liveness {
    bool heard = false;                     // since this process started
    std::int64_t last_heard_steady_ms = 0;  // of the clock's steady time
    link::Heartbeat last;
    std::string accelerator;
};

class HostHub {
  public:
    HostHub(const Clock& clock, Random& random, Executor executor, std::int64_t lease_ms);

    // Leases.
    void heard(const HostId& id, const link::Heartbeat* heartbeat);
    void said_hello(const HostId& id, const std::string& accelerator);
    bool known(const HostId& id) const;
    Liveness liveness(const HostId& id) const;
    // `draining` and what the lease and the last heartbeat say.
    HostCondition condition(const HostId& id, HostState state) const;

    // Long polls. A host's desired state has a version; changed() raises it and answers the waiting poll.
    std::string version(const HostId& id) const;
    void changed(const HostId& id);
    // Calls `ready` once, when the version is no longer `known_version`, a console is asked for, or after
    // `wait_ms`. A newer wait of the same host answers the older one.
    void wait(const HostId& id, const std::string& known_version, std::int64_t wait_ms,
              std::function<void()> ready);
    // Answers the waits whose time is up; call it every second or so.
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

    std::string version_text(const HostEntry& entry) const;
    std::function<void()> take_wait(HostEntry& entry);
    bool has_console_request(const HostId& host) const;
    void run(std::function<void()> task);

    const Clock& clock_;
    const Executor executor_;
    const std::int64_t lease_ms_;
    const std::int64_t started_steady_ms_;
    const std::string boot_;  // versions of an earlier process never match
    mutable std::mutex mutex_;
    std::unordered_map<HostId, HostEntry> hosts_;
    std::map<std::uint64_t, ConsoleRequest> consoles_;
    std::uint64_t next_ticket_ = 1;
    bool stopping_ = false;
};

}  // namespace lodge::scheduler
