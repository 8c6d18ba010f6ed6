// Walks the hosts of one level that have enough memory, best first. Hosts with the same memory free are
// equally good, a run: they come in a ring over Spot::order that begins at `start`, so that different seeds
// take different ones. Valid as long as the level does not change.
#pragma once

#include <cstdint>

#include "scheduler/placement/level.h"
#include "scheduler/placement/score.h"

namespace lodge::scheduler {

class LevelCursor {
  public:
    // best_fit goes from the least free memory up, spread from the most down; never below `memory_mib`.
    LevelCursor(const Level& level, Strategy strategy, std::int64_t memory_mib, std::uint64_t start);

    // The current host; null at the end, for good.
    const Spot* get() const { return done_ ? nullptr : &*at_; }
    // Not to be called at the end.
    void next();

  private:
    const Spots& bucket() const { return level_->buckets()[bucket_]; }
    bool in_run() const;
    void enter_run(const Spot& any_of_it);
    void enter_run_at_or_above(std::int64_t memory_mib);
    void enter_run_below(std::int64_t memory_mib);
    void wrap();

    const Level* level_;
    Strategy strategy_;
    std::int64_t least_memory_mib_;
    std::uint64_t start_;
    std::size_t bucket_;               // the run's, a position among the level's
    Spots::const_iterator at_;         // into bucket()
    std::int64_t run_memory_mib_ = 0;  // what all hosts of the current run have free
    bool wrapped_ = false;             // past the ring's top, among orders below start_
    bool done_ = false;
};

}  // namespace lodge::scheduler
