// What libvirt's XML of a domain tells an agent about it. Pure; any thread.
#pragma once

#include <map>
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
    std::map<VolumeId, std::int64_t> cuts;       // their files' numbers, but for those of 0
    std::map<VolumeId, std::int64_t> flat;       // which of their files nothing lies under
    bool has_agent = false;                      // qemu-guest-agent has its channel open in there
    std::map<std::string, VolumeId> targets;     // all disks by libvirt's name; empty: not Lodge's
};

// Nothing for a domain without a tag.
std::optional<LiveDomain> parse_live_domain(const std::string& xml);

}  // namespace lodge::agent
