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
    std::string netns;              // its path: "/run/netns/lodge-0123…"
    std::uint64_t netns_inode = 0;  // another one: it was made anew, and sockets in the old one are dead
    std::vector<std::string> addresses;

    bool operator==(const MetadataNetwork&) const = default;
};

// Called from one thread, each time with everything; must not block for long.
class MetadataSink {
  public:
    virtual ~MetadataSink() = default;
    virtual void set_networks(const std::vector<MetadataNetwork>& networks) = 0;
    virtual void set_guests(const std::vector<link::DesiredGuest>& guests) = 0;
};

// For hosts whose guests ask nothing.
class NullMetadataSink final : public MetadataSink {
  public:
    void set_networks(const std::vector<MetadataNetwork>&) override {}
    void set_guests(const std::vector<link::DesiredGuest>&) override {}
};

}  // namespace lodge::agent
