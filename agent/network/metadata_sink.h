// Where the agent puts what the metadata service has to know.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/agent/messages.h"

namespace lodge::agent {

// A VPC's network namespace, in which guests' requests arrive at `addresses` from their private addresses. No
// two guests of a VPC have the same, and none can send from another's and hear the answer.
struct MetadataNetwork {
    VpcId vpc_id;
    std::string netns;                   // its path: "/run/netns/lodge-0123…"
    std::uint64_t netns_inode = 0;       // another one: it was made anew, and sockets in the old one are dead
    std::vector<std::string> addresses;  // the metadata service's first

    bool operator==(const MetadataNetwork&) const = default;
};

// Called from one thread, each time with everything; must not block for long.
class MetadataSink {
  public:
    virtual ~MetadataSink() = default;
    virtual void set_networks(const std::vector<MetadataNetwork>& networks) = 0;
    virtual void set_guests(const std::vector<link::DesiredGuest>& guests) = 0;
    // Of a guest with interfaces: false when the control plane has yet to tell its user data and the like,
    // also after so long; one that started now might go on without. Any thread.
    virtual bool await_launch_data(const GuestId& /*guest_id*/, std::int64_t /*most_ms*/) { return true; }
};

// For hosts whose guests ask nothing.
class NullMetadataSink final : public MetadataSink {
  public:
    void set_networks(const std::vector<MetadataNetwork>&) override {}
    void set_guests(const std::vector<link::DesiredGuest>&) override {}
};

}  // namespace lodge::agent
