// Walks the hosts of one level that have enough memory, best first. Hosts with the same memory free are
// equally good: they come in a ring over Spot::order that begins at `start`, so that different seeds take
// different ones. Valid as long as the level does not change.
#pragma once

#include <cstdint>

#include "scheduler/placement/free_hosts.h"

namespace lodge::scheduler {

class LevelCursor {
  public:
    // best_fit goes from the least free memory up, spread from the most down; never below `memory_mib`.
    LevelCursor(const Spots& spots, Strategy strategy, std::int64_t memory_mib, std::uint64_t start);

    // The current host; null at the end, for good.
    const Spot* get() const { return done_ ? nullptr : &*at_; }
    // Not to be called at the end.
    void next();

  private:
    bool in_run(Spots::const_iterator at) const;
    void enter_run(std::int64_t free_memory_mib);
    void enter_next_run();
    void wrap();

    const Spots* spots_;
    Strategy strategy_;
    std::int64_t least_memory_mib_;
    std::uint64_t start_;
    Spots::const_iterator at_;
    std::int64_t run_memory_mib_ = 0;  // what all hosts of the current run have free
    bool wrapped_ = false;             // past the ring's top, among orders below start_
    bool done_ = false;
};

}  // namespace lodge::scheduler
