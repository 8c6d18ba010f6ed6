// The best hosts of one zone and architecture under a placement group's rule, one after the other. Without a
// rule it is a Search and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "scheduler/placement/place.h"
#include "scheduler/placement/search.h"

namespace lodge::scheduler {

// The zone that the instances of a cluster group are in; empty: none are anywhere.
std::string zone_of_cluster(const CapacityIndex& index, const Request& request);

// Reads index and partition, which must outlive it unchanged. For one thread.
class GroupSearch {
  public:
    struct Found {
        const IndexedHost* host;
        std::int64_t partition;  // of the placement group; 0 without any
    };

    // `request` is in range.
    GroupSearch(const CapacityIndex& index, const Partition& partition, const Request& request);

    // Nothing when no host holds one more, and then for good.
    std::optional<Found> next();

    // Every host returned so far.
    std::vector<TakenHost> taken() const;

    // Hosts that take new guests and that the rule bars from the beginning.
    const std::vector<const IndexedHost*>& barred() const { return barred_; }
    // Other ones, whose disks are full.
    const std::vector<const IndexedHost*>& full() const { return full_; }

  private:
    using Held = std::unordered_map<HostId, std::int64_t>;

    void add_search(const Partition& partition, const Request& request, HostRule rule);
    void bar_others(std::int64_t own);
    void bar_full(const Partition& partition, const Request& request);
    void plan_spread(const Partition& partition, const Request& request);
    void plan_cluster(const Partition& partition, const Request& request);
    void plan_partitions(const Partition& partition, const Request& request);

    const CapacityIndex& index_;
    std::unique_ptr<Held> held_;             // searches point at it; null without a rule
    std::vector<const IndexedHost*> hosts_;  // held ones that are of the partition and take new guests
    std::vector<const IndexedHost*> barred_;
    std::vector<const IndexedHost*> full_;
    std::vector<Search> searches_;       // one, or one a partition of the group
    std::vector<std::int64_t> numbers_;  // the partition that each is for
    std::vector<std::int64_t> counts_;   // instances of the group that are in it
    std::size_t left_ = 0;               // searches that have not run dry
};

}  // namespace lodge::scheduler
