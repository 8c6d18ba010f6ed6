// Hosts of one zone and architecture, by what is free on them. The index writes it, the search reads it.
// Not locked: one writer, and no reader while it writes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "scheduler/placement/memory_buckets.h"
#include "scheduler/placement/score.h"

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

// The hosts of one shape that have the same number of vCPUs free. Never empty.
struct Level {
    std::int64_t free_vcpus = 0;
    MemoryBuckets memory;  // of every host here
    Spots spots;
};

// Bounds what an instance of `memory_mib` would leave of the memory of a level's hosts, in parts of `whole`:
// none leaves less, or for spread none leaves more. Nothing when surely no host has so much free.
std::optional<std::int64_t> memory_bound(const Level& level, const Shape& shape, Strategy strategy,
                                         std::int64_t memory_mib);

// Ascending by free vCPUs; at most one a vCPU of the shape, however many hosts there are.
using Levels = std::vector<Level>;

// The first level with at least that many vCPUs free, as a position; levels.size() when there is none.
std::size_t first_level(const Levels& levels, std::int64_t free_vcpus);

class FreeHosts {
  public:
    // `host` must stay where it is, its capacity unchanged, until it is erased.
    void insert(const IndexedHost& host);
    void erase(const IndexedHost& host);

    const std::map<Shape, Levels>& shapes() const { return shapes_; }

  private:
    std::map<Shape, Levels> shapes_;
};

}  // namespace lodge::scheduler
