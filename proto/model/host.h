#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/model/enum_text.h"

namespace lodge {

// What the operator wants of a host. Whether it is reachable is its lease's business, not a column.
enum class HostState { active, draining };

template <>
struct EnumText<HostState> {
    static constexpr std::array words = {std::pair{HostState::active, std::string_view("active")},
                                         std::pair{HostState::draining, std::string_view("draining")}};
};

// A machine with an agent.
struct Host {
    HostId id;
    std::string name;  // as the machine calls itself
    std::string zone;
    std::string architecture;  // "x86_64"
    HostState state = HostState::active;
    std::int64_t epoch = 1;          // raised by fencing
    std::string certificate_sha256;  // hex, of the certificate its agent must show
    std::int64_t vcpus = 0;          // what guests may have before overcommit
    std::int64_t memory_mib = 0;
    std::int64_t disk_mib = 0;
    UnixMs created_ms = 0;
    // Where it keeps volumes, together with others that name the same; empty: alone.
    std::string storage_pool;
};

// Lets one machine join. Only the hash of the secret is kept. Once used it serves the same key alone, until
// it expires: for a machine to which the answer got lost.
struct HostToken {
    std::string secret_sha256;
    std::string zone;
    UnixMs expires_ms = 0;
    HostId host_id;          // who joined with it; empty: nobody yet
    std::string key_sha256;  // and with which key
};

}  // namespace lodge
