// The guests of a host as the metadata service knows them, by who they are on the network. Any thread; a
// look-up waits for nobody who reads files or builds trees.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/metadata/answer.h"
#include "proto/agent/messages.h"

namespace lodge::agent {

class GuestDirectory {
  public:
    using GuestPointer = std::shared_ptr<const MetadataGuest>;
    using KeptLaunchData = std::function<std::optional<link::LaunchDataReply>(const GuestId&)>;

    // All that there are; those that are to end count as gone, so that nobody who gets their address is told
    // of them. `kept` is asked for the launch data of new ones. Returns whether anything is another way now.
    bool set(const std::vector<link::DesiredGuest>& guests, const KeptLaunchData& kept);
    // Nothing if the guest has gone.
    void set_launch_data(const GuestId& id, link::LaunchDataReply launch);

    // Who is at "VPC/ADDRESS"; null: nobody.
    GuestPointer at(const std::string& peer) const;
    std::vector<link::DesiredGuest> all() const;
    bool knows(const GuestId& id) const;
    // Waits at most so long for it; false also for a guest that is not known.
    bool await_launch_data(const GuestId& id, std::int64_t most_ms);
    std::vector<GuestId> without_launch_data() const;

  private:
    struct Known {
        link::DesiredGuest desired;
        std::shared_ptr<const link::LaunchDataReply> launch;
        GuestPointer shown;  // made of the two
    };
    using Index = std::unordered_map<std::string, GuestPointer>;

    static void show(Known& known);
    void publish();

    bool has_launch_data(const GuestId& id) const;

    mutable std::mutex mutex_;
    std::condition_variable launch_came_;
    std::map<GuestId, Known> guests_;

    mutable std::mutex index_mutex_;
    std::shared_ptr<const Index> index_ = std::make_shared<Index>();
};

}  // namespace lodge::agent
