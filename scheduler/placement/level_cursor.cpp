#include "scheduler/placement/level_cursor.h"

#include <iterator>

namespace lodge::scheduler {

LevelCursor::LevelCursor(const Level& level, Strategy strategy, std::int64_t memory_mib, std::uint64_t start)
    : level_(&level), strategy_(strategy), least_memory_mib_(memory_mib), start_(start), bucket_(0) {
    if (strategy == Strategy::best_fit) {
        bucket_ = level.first_bucket(memory_mib);
        enter_run_at_or_above(memory_mib);
    } else {
        bucket_ = level.buckets().size() - 1;
        done_ = bucket().rbegin()->free_memory_mib < memory_mib;
        if (!done_) enter_run(*bucket().rbegin());
    }
}

void LevelCursor::next() {
    ++at_;
    if (!wrapped_) {
        if (in_run()) return;
        wrap();
    }
    if (in_run() && at_->order < start_) return;
    if (strategy_ == Strategy::best_fit) {
        enter_run_at_or_above(run_memory_mib_ + 1);
    } else {
        enter_run_below(run_memory_mib_);
    }
}

bool LevelCursor::in_run() const {
    return at_ != bucket().end() && at_->free_memory_mib == run_memory_mib_;
}

void LevelCursor::enter_run(const Spot& any_of_it) {
    run_memory_mib_ = any_of_it.free_memory_mib;
    wrapped_ = false;
    at_ = bucket().lower_bound({run_memory_mib_, start_});
    if (!in_run()) wrap();
}

void LevelCursor::wrap() {
    wrapped_ = true;
    at_ = bucket().lower_bound({run_memory_mib_, 0});
}

// In the current bucket, or else at the least of the next.
void LevelCursor::enter_run_at_or_above(std::int64_t memory_mib) {
    const std::size_t buckets = level_->buckets().size();
    if (bucket_ < buckets) {
        const auto found = bucket().lower_bound({memory_mib, 0});
        if (found != bucket().end()) return enter_run(*found);
        ++bucket_;
    }
    done_ = bucket_ == buckets;
    if (!done_) enter_run(*bucket().begin());
}

// In the current bucket, or else at the most of the one before.
void LevelCursor::enter_run_below(std::int64_t memory_mib) {
    auto found = bucket().lower_bound({memory_mib, 0});
    if (found == bucket().begin()) {
        done_ = bucket_ == 0;
        if (done_) return;
        --bucket_;
        found = bucket().end();
    }
    --found;
    done_ = found->free_memory_mib < least_memory_mib_;
    if (!done_) enter_run(*found);
}

}  // namespace lodge::scheduler
