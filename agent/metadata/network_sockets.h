// What is open in which network: kept equal to what is wanted, however often that is told.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/network/metadata_sink.h"
#include "agent/reconcile/trouble.h"
#include "proto/base/result.h"

namespace lodge::agent {

// One thread.
template <class Opened>
class NetworkSockets {
  public:
    // `what` is what the log calls it.
    explicit NetworkSockets(std::string what) : what_(std::move(what)) {}

    // Closes what is not wanted, or wanted otherwise: a namespace that was made anew takes its sockets along.
    // Opens what is missing; a failure is logged once, and tried again by the next call.
    void apply(const std::vector<MetadataNetwork>& wanted,
               const std::function<Result<Opened>(const MetadataNetwork&)>& open,
               const std::function<void(Opened&)>& close) {
        for (auto at = open_.begin(); at != open_.end();) {
            const bool stays = std::find(wanted.begin(), wanted.end(), at->second.first) != wanted.end();
            if (!stays) close(at->second.second);
            at = stays ? std::next(at) : open_.erase(at);
        }
        std::map<VpcId, Trouble> troubles;
        failed_ = false;
        for (const auto& network : wanted) {
            if (open_.contains(network.vpc_id) || network.addresses.empty()) continue;
            auto node = troubles_.extract(network.vpc_id);
            auto& trouble = node ? troubles.insert(std::move(node)).position->second
                                 : troubles.try_emplace(network.vpc_id, what_ + " of " + network.vpc_id.str())
                                       .first->second;
            auto made = open(network);
            trouble.note(made ? "" : made.error().message);
            if (made)
                open_.emplace(network.vpc_id, std::pair(network, std::move(*made)));
            else
                failed_ = true;
        }
        troubles_ = std::move(troubles);
    }
    bool any_failed() const { return failed_; }

  private:
    const std::string what_;
    std::map<VpcId, std::pair<MetadataNetwork, Opened>> open_;
    std::map<VpcId, Trouble> troubles_;  // of those that are not open
    bool failed_ = false;
};

}  // namespace lodge::agent
