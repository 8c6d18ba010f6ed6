// What libvirt's XML of a domain tells an agent about it. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/domain/guest_tag.h"

namespace lodge::agent {

struct LiveDomain {
    GuestTag tag;
    bool held = false;                           // it has the mark of one that was not let run yet
    std::vector<NetworkInterfaceId> interfaces;  // Lodge's
    std::vector<VolumeId> disks;                 // the same, the root disk among them
};

// Nothing for a domain without a tag.
std::optional<LiveDomain> parse_live_domain(const std::string& xml);

}  // namespace lodge::agent
