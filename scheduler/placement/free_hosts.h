// Hosts of one zone and architecture, by what is free on them. The index writes it, the search reads it.
// Not locked: one writer, and no reader while it writes.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "scheduler/placement/level.h"
#include "scheduler/placement/score.h"

namespace lodge::scheduler {

// Ascending by free vCPUs, none empty; at most one a vCPU of the shape, however many hosts there are.
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
