#include "scheduler/placement/level.h"

#include <iterator>
#include <type_traits>

#include "scheduler/placement/capacity_index.h"

namespace lodge::scheduler {
namespace {

static_assert(std::is_nothrow_move_constructible_v<Spots>, "or a vector of trees copies them when it grows");

}  // namespace

bool Spot::operator<(const Spot& other) const {
    if (free_memory_mib != other.free_memory_mib) return free_memory_mib < other.free_memory_mib;
    if (order != other.order) return order < other.order;
    if (host == nullptr || other.host == nullptr) return host == nullptr && other.host != nullptr;
    return host->capacity.id < other.host->capacity.id;
}

Level::Level(std::int64_t free_vcpus, std::int64_t most_memory_mib)
    : free_vcpus_(free_vcpus), memory_(most_memory_mib) {}

void Level::insert(const Spot& spot) {
    const std::int64_t memory_mib = spot.free_memory_mib;
    const auto at = buckets_.begin() + static_cast<std::ptrdiff_t>(memory_.count_below(memory_mib));
    if (memory_.has(memory_mib)) {
        at->insert(spot);
    } else {
        buckets_.insert(at, Spots{spot});
        memory_.add(memory_mib);
    }
    ++hosts_;
}

void Level::erase(const Spot& spot) {
    const std::int64_t memory_mib = spot.free_memory_mib;
    const auto at = buckets_.begin() + static_cast<std::ptrdiff_t>(memory_.count_below(memory_mib));
    at->erase(spot);
    --hosts_;
    if (!at->empty()) return;
    buckets_.erase(at);
    memory_.remove(memory_mib);
}

const Spot* Level::nearest_below(std::int64_t memory_mib) const {
    const std::size_t at = first_bucket(memory_mib);
    if (at < buckets_.size()) {
        const auto enough = buckets_[at].lower_bound({memory_mib, 0});
        if (enough != buckets_[at].begin()) return &*std::prev(enough);
    }
    return at == 0 ? nullptr : &*buckets_[at - 1].rbegin();
}

}  // namespace lodge::scheduler
