// What an agent and the control plane say to each other: JSON bodies over mutual TLS (port 8774), or the same
// structs passed directly in a simulation. Unknown members are ignored and missing ones have their default
// value, so that either side may be the newer one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/model/guest.h"
#include "proto/model/instance.h"

namespace lodge::link {

// POST /v1/join, without a client certificate: a machine with a one-time token becomes a host.
struct JoinRequest {
    std::string token_secret;
    std::string certificate_request_pem;
};
struct JoinReply {
    HostId host_id;
    std::string certificate_pem;
    std::string zone;
};

// POST /v1/hello: once after every start of the agent.
struct HostFacts {
    std::string name;
    std::string architecture;
    std::int64_t vcpus = 0;
    std::int64_t memory_mib = 0;
    std::int64_t disk_mib = 0;
    std::string accelerator;  // "kvm" or "qemu"
    std::string agent_version;
};
struct HelloRequest {
    HostFacts facts;
    std::int64_t epoch = 0;  // the last one the agent knew; 0 for none
};
struct HelloReply {
    std::int64_t epoch = 0;
    std::int64_t heartbeat_ms = 0;  // how often to send one
};

// POST /v1/heartbeat: renews the lease. Never costs a durable commit.
struct Heartbeat {
    bool hypervisor_ok = true;
    std::string hypervisor_error;
    std::int64_t disk_free_mib = -1;  // -1: not known
};
struct HeartbeatReply {
    bool hello_wanted = false;  // the control plane has restarted, or fenced the host: say hello again
};

// Content of the image folder, GET /v1/images/<sha256>.
struct Content {
    std::string sha256;  // hex; empty: none
    std::string format;  // of a disk; always passed to QEMU explicitly
    std::int64_t size_bytes = 0;

    bool operator==(const Content&) const = default;
};

// One guest as the host is to have it.
struct DesiredGuest {
    GuestId guest_id;
    InstanceId instance_id;
    std::int64_t generation = 0;
    Desired desired = Desired::running;
    bool skip_os_shutdown = false;         // stop without asking the guest first
    Observed observed = Observed::placed;  // what the control plane last heard of it
    std::int64_t reboots_wanted = 0;
    std::int64_t reboots_done = 0;
    std::string instance_type;
    std::string architecture;
    std::int64_t vcpus = 0;
    std::int64_t core_count = 0;
    std::int64_t threads_per_core = 0;
    std::int64_t memory_mib = 0;
    VolumeId root_volume_id;
    std::int64_t root_size_bytes = 0;
    Content image;
    Content kernel;
    Content ramdisk;
    std::string kernel_cmdline;
    bool keep_root = false;  // the root disk existed before this guest: never make it anew

    bool operator==(const DesiredGuest&) const = default;
};

// POST /v1/poll: answered at once when the host's desired state is not `known_version`, else when it changes
// or after `wait_ms`. Versions are only compared; their part before the dot changes when the control plane
// starts anew, perhaps from a backup.
struct PollRequest {
    std::string known_version;
    std::int64_t wait_ms = 0;
};
struct PollReply {
    std::string version;
    bool changed = false;                      // false: `guests` is not filled
    std::vector<DesiredGuest> guests;          // all of the host's
    std::vector<InstanceId> console_requests;  // whose console output somebody is waiting for
};

// What the agent sees of one guest.
struct ObservedGuest {
    GuestId guest_id;
    std::int64_t generation = 0;  // of the desired state it acted on
    Observed observed = Observed::placed;
    std::int64_t reboots_done = 0;
    std::string
        reason_code;  // EC2's StateReason codes: "Client.InstanceInitiatedShutdown", "Server.InternalError"
    std::string reason;

    bool operator==(const ObservedGuest&) const = default;
};
struct ConsoleOutput {
    InstanceId instance_id;
    std::string bytes;  // the last 64 KiB at most
};
// POST /v1/report. Applied in one transaction; a repeated report changes nothing.
struct ReportRequest {
    std::vector<ObservedGuest> guests;
    std::vector<ConsoleOutput> consoles;
};
struct ReportReply {};

// The last bytes of a console that EC2 keeps (GetConsoleOutput: 64 KB).
inline constexpr std::size_t console_bytes = 64 * 1024;

template <class Message>
std::string to_json(const Message& message);
// InvalidInput when the text is not JSON, or a member is of another type or no ID of its kind; and for a
// PollReply without its members, since no list of guests must not pass for an empty one.
template <class Message>
Result<Message> from_json(std::string_view text);

}  // namespace lodge::link
