// The agent's way to the control plane. Two implementations: TLS (agent/link) and direct calls (simulated
// hosts). Calls block; each is safe from several threads. An error that passes (nobody answers) is
// service_unavailable.
#pragma once

#include <filesystem>
#include <string>

#include "proto/agent/leftovers.h"
#include "proto/agent/messages.h"

namespace lodge::agent {

class Link {
  public:
    virtual ~Link() = default;
    virtual Result<link::HelloReply> hello(const link::HelloRequest& request) = 0;
    virtual Result<link::HeartbeatReply> heartbeat(const link::Heartbeat& heartbeat) = 0;
    // Returns within request.wait_ms and a little.
    virtual Result<link::PollReply> poll(const link::PollRequest& request) = 0;
    virtual Result<link::ReportReply> report(const link::ReportRequest& request) = 0;
    virtual Result<link::LeftoversReply> leftovers(const link::LeftoversRequest& request) = 0;
    // not_found when the guest is not this host's, or no longer its instance's.
    virtual Result<link::LaunchDataReply> launch_data(const link::LaunchDataRequest& request) = 0;
    // Writes content of the image folder into a new file. not_found when the control plane has no such
    // content.
    virtual Status fetch(const link::Content& content, const std::filesystem::path& into) = 0;
    // Sends the layer to the control plane's image folder, unless it has that content: then the snapshot is
    // completed. not_found when the snapshot is not one that waits for this host.
    virtual Status store_layer(const SnapshotId& snapshot_id, const link::Content& content,
                               const std::filesystem::path& file) = 0;
    // Makes calls under way, and later ones, fail at once: the agent is stopping.
    virtual void interrupt() = 0;
};

}  // namespace lodge::agent
