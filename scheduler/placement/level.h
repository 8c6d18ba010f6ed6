// The hosts of one shape that have the same number of vCPUs free, by their free memory. Not locked.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "scheduler/placement/memory_buckets.h"

namespace lodge::scheduler {

struct IndexedHost;

// One host in a level. Ordered by free memory, then by `order`, then by the host's ID.
struct Spot {
    std::int64_t free_memory_mib;
    std::uint64_t order;                // order_of() the host's ID
    const IndexedHost* host = nullptr;  // null sorts before every host: a key to search by

    bool operator<(const Spot& other) const;
};

using Spots = std::set<Spot>;

// Aligned, because the search reads the first members of many levels in a row. Measured: a tenth of a long
// search.
class alignas(64) Level {
  public:
    // For hosts with up to `most_memory_mib`.
    Level(std::int64_t free_vcpus, std::int64_t most_memory_mib);

    void insert(const Spot& spot);
    void erase(const Spot& spot);  // must be there

    std::int64_t free_vcpus() const { return free_vcpus_; }
    std::int64_t hosts() const { return hosts_; }

    // What memory the hosts have, roughly.
    const MemoryBuckets& memory() const { return memory_; }
    // The hosts themselves, a tree for each bucket of memory(), ascending.
    const std::vector<Spots>& buckets() const { return buckets_; }
    // The first of them that may have a host with so much free, as a position; buckets().size() if none.
    std::size_t first_bucket(std::int64_t memory_mib) const { return memory_.count_below(memory_mib); }
    // Of the hosts with less free than `memory_mib` the one with most; null if none.
    const Spot* nearest_below(std::int64_t memory_mib) const;

  private:
    std::int64_t free_vcpus_;
    MemoryBuckets memory_;
    std::int64_t hosts_ = 0;
    std::vector<Spots> buckets_;
};

}  // namespace lodge::scheduler
