#include "scheduler/placement/level.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <type_traits>

#include "scheduler/placement/capacity_index.h"

namespace lodge::scheduler {
namespace {

static_assert(std::is_nothrow_move_constructible_v<Spots>, "or a vector of trees copies them when it grows");

// The power of two that a bucket's width in MiB is: the least with which the shape has less than 512.
int bucket_shift(const Shape& shape) {
    return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(shape.memory_mib() / Bitmap::size)));
}

}  // namespace

bool Spot::operator<(const Spot& other) const {
    if (free_memory_mib != other.free_memory_mib) return free_memory_mib < other.free_memory_mib;
    if (order != other.order) return order < other.order;
    if (host == nullptr || other.host == nullptr) return host == nullptr && other.host != nullptr;
    return host->capacity.id < other.host->capacity.id;
}

std::optional<int> Bitmap::first_from(int number) const {
    std::uint64_t bits = words_[word(number)] & ~(bit(number) - 1);
    for (std::size_t i = word(number);;) {
        if (bits != 0) return static_cast<int>(i * 64) + std::countr_zero(bits);
        if (++i == words_.size()) return std::nullopt;
        bits = words_[i];
    }
}

std::optional<int> Bitmap::last_from(int number) const {
    for (std::size_t i = words_.size(); i-- > word(number);) {
        if (words_[i] == 0) continue;
        const int last = static_cast<int>(i * 64) + 63 - std::countl_zero(words_[i]);
        return last < number ? std::nullopt : std::optional(last);
    }
    return std::nullopt;
}

std::size_t Bitmap::count_below(int number) const {
    int count = std::popcount(words_[word(number)] & (bit(number) - 1));
    for (std::size_t i = 0; i < word(number); ++i) count += std::popcount(words_[i]);
    return static_cast<std::size_t>(count);
}

void Level::insert(const Spot& spot) {
    const int bucket = bucket_of(spot.free_memory_mib);
    const auto at = buckets_.begin() + static_cast<std::ptrdiff_t>(present_.count_below(bucket));
    if (present_.has(bucket)) {
        at->insert(spot);
    } else {
        buckets_.insert(at, Spots{spot});
        present_.add(bucket);
    }
    ++hosts_;
}

void Level::erase(const Spot& spot) {
    const int bucket = bucket_of(spot.free_memory_mib);
    const auto at = buckets_.begin() + static_cast<std::ptrdiff_t>(present_.count_below(bucket));
    at->erase(spot);
    --hosts_;
    if (!at->empty()) return;
    buckets_.erase(at);
    present_.remove(bucket);
}

std::optional<std::int64_t> Level::memory_bound(Strategy strategy, std::int64_t memory_mib) const {
    const bool fit = strategy == Strategy::best_fit;
    const int least = bucket_of(memory_mib);
    const auto bucket = fit ? present_.first_from(least) : present_.last_from(least);
    if (!bucket) return std::nullopt;
    const std::int64_t bound_mib = std::int64_t{fit ? *bucket : *bucket + 1} << bucket_shift(*shape_);
    return shape_->leftover(0, std::max<std::int64_t>(bound_mib - memory_mib, 0)).memory;
}

const Spot* Level::nearest_below(std::int64_t memory_mib) const {
    const std::size_t at = first_bucket(memory_mib);
    if (at < buckets_.size()) {
        const auto enough = buckets_[at].lower_bound({memory_mib, 0});
        if (enough != buckets_[at].begin()) return &*std::prev(enough);
    }
    return at == 0 ? nullptr : &*buckets_[at - 1].rbegin();
}

int Level::bucket_of(std::int64_t memory_mib) const {
    const std::int64_t bucket = std::max<std::int64_t>(memory_mib, 0) >> bucket_shift(*shape_);
    return static_cast<int>(std::min<std::int64_t>(bucket, Bitmap::size - 1));
}

}  // namespace lodge::scheduler
