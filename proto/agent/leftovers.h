// What a host has of Lodge that its list of guests does not name, and what is to become of it.
#pragma once

#include <string>
#include <vector>

#include "proto/agent/messages.h"

namespace lodge::link {

struct LeftGuest {
    GuestId guest_id;
    InstanceId instance_id;
    bool on = false;  // it has a machine

    bool operator==(const LeftGuest&) const = default;
};

// POST /v1/leftovers: asked while there are any, again and again. Domains that carry our tag with this host's
// name, and root disks in the agent's folder; what is not ours is not told.
struct LeftoversRequest {
    std::vector<LeftGuest> guests;
    std::vector<VolumeId> volumes;
    // Every minute or so alone, when there is none of the others:
    bool tells_files = false;
    std::vector<VolumeId> missing = {};  // that the host is to have, and has no file of
    std::vector<std::string> contents =
        {};  // by SHA-256: cached, and no guest or volume on its list needs them

    bool operator==(const LeftoversRequest&) const = default;
};
// What may end: the control plane knows it, and that it is over, or the operator gave it up. All else stays
// as it is: a control plane that was restored from a backup does not know of guests that are newer.
struct LeftoversReply {
    std::vector<GuestId> end_guests;
    std::vector<VolumeId> remove_volumes;
    std::vector<std::string> remove_contents = {};

    bool operator==(const LeftoversReply&) const = default;
};

}  // namespace lodge::link
