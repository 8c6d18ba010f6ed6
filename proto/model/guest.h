#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/model/enum_text.h"

namespace lodge {

// What the agent last saw of a guest. Written by agents' reports alone.
enum class Observed {
    placed,    // the host has the claim; its agent has said nothing yet
    starting,  // image, overlay and domain are being made
    running,
    stopped,  // the domain is shut off and still defined
    gone,     // no domain; the root disk is kept
    failed,   // could not be started; no domain
    removed,  // no domain, no disk
};

template <>
struct EnumText<Observed> {
    static constexpr std::array words = {
        std::pair{Observed::placed, std::string_view("placed")},
        std::pair{Observed::starting, std::string_view("starting")},
        std::pair{Observed::running, std::string_view("running")},
        std::pair{Observed::stopped, std::string_view("stopped")},
        std::pair{Observed::gone, std::string_view("gone")},
        std::pair{Observed::failed, std::string_view("failed")},
        std::pair{Observed::removed, std::string_view("removed")},
    };
};

inline constexpr std::array all_observed = {Observed::placed,  Observed::starting, Observed::running,
                                            Observed::stopped, Observed::gone,     Observed::failed,
                                            Observed::removed};

// Whether a guest in this state holds its claim on the host's capacity.
constexpr bool holds_claim(Observed observed) {
    return observed != Observed::gone && observed != Observed::failed && observed != Observed::removed;
}

// One incarnation of an instance on a host: a libvirt domain, and the claim on the host's capacity.
struct Guest {
    GuestId id;
    InstanceId instance_id;
    HostId host_id;
    std::string capacity_reservation_id;  // whose room it is in; empty: it holds its own
    std::int64_t vcpus = 0;
    std::int64_t memory_mib = 0;
    bool keeps_root = false;  // the root disk existed before this guest
    Observed observed = Observed::placed;
    std::int64_t generation = 0;  // of the instance, when the agent last reported
    std::int64_t reboots_done = 0;
    std::int64_t interrupts_done = 0;
    UnixMs created_ms = 0;
    UnixMs observed_ms = 0;  // when `observed` last changed
};

}  // namespace lodge
