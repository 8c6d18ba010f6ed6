#include "scheduler/placement/level_cursor.h"

#include <iterator>
#include <limits>

namespace lodge::scheduler {

LevelCursor::LevelCursor(const Spots& spots, Strategy strategy, std::int64_t memory_mib, std::uint64_t start)
    : spots_(&spots), strategy_(strategy), least_memory_mib_(memory_mib), start_(start), at_(spots.end()) {
    if (strategy == Strategy::best_fit) {
        const auto least = spots.lower_bound({memory_mib, 0});
        done_ = least == spots.end();
        if (!done_) enter_run(least->free_memory_mib);
    } else {
        const std::int64_t most_mib = spots.rbegin()->free_memory_mib;  // a level is never empty
        done_ = most_mib < memory_mib;
        if (!done_) enter_run(most_mib);
    }
}

void LevelCursor::next() {
    ++at_;
    if (!wrapped_) {
        if (in_run(at_)) return;
        wrap();
    }
    if (!in_run(at_) || at_->order >= start_) enter_next_run();
}

bool LevelCursor::in_run(Spots::const_iterator at) const {
    return at != spots_->end() && at->free_memory_mib == run_memory_mib_;
}

void LevelCursor::enter_run(std::int64_t free_memory_mib) {
    run_memory_mib_ = free_memory_mib;
    wrapped_ = false;
    at_ = spots_->lower_bound({free_memory_mib, start_});
    if (!in_run(at_)) wrap();
}

void LevelCursor::wrap() {
    wrapped_ = true;
    at_ = spots_->lower_bound({run_memory_mib_, 0});
}

void LevelCursor::enter_next_run() {
    if (strategy_ == Strategy::best_fit) {
        const auto above = spots_->lower_bound({run_memory_mib_ + 1, 0});
        done_ = above == spots_->end();
        if (!done_) enter_run(above->free_memory_mib);
        return;
    }
    const auto bottom = spots_->lower_bound({run_memory_mib_, 0});
    done_ = bottom == spots_->begin() || std::prev(bottom)->free_memory_mib < least_memory_mib_;
    if (!done_) enter_run(std::prev(bottom)->free_memory_mib);
}

}  // namespace lodge::scheduler
