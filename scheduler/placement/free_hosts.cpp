#include "scheduler/placement/free_hosts.h"

#include <algorithm>
#include <iterator>

#include "scheduler/placement/capacity_index.h"

namespace lodge::scheduler {
namespace {

Shape shape_of(const HostCapacity& host) {
    return Shape(host.total_vcpus, host.total_memory_mib);
}

Spot spot_of(const IndexedHost& host) {
    return {host.capacity.free_memory_mib, host.order, &host};
}

void add_spot(Level& level, const Shape& shape, const Spot& spot) {
    level.spots.insert(spot);
    level.memory.add(bucket_of(shape, spot.free_memory_mib));
}

// Hosts of one bucket are neighbours: with neither beside it, the host was its bucket's last.
void remove_spot(Level& level, const Shape& shape, const Spot& spot) {
    const int bucket = bucket_of(shape, spot.free_memory_mib);
    const auto after = level.spots.erase(level.spots.find(spot));
    if (after != level.spots.end() && bucket_of(shape, after->free_memory_mib) == bucket) return;
    if (after != level.spots.begin() && bucket_of(shape, std::prev(after)->free_memory_mib) == bucket) return;
    level.memory.remove(bucket);
}

}  // namespace

bool Spot::operator<(const Spot& other) const {
    if (free_memory_mib != other.free_memory_mib) return free_memory_mib < other.free_memory_mib;
    if (order != other.order) return order < other.order;
    if (host == nullptr || other.host == nullptr) return host == nullptr && other.host != nullptr;
    return host->capacity.id < other.host->capacity.id;
}

std::size_t first_level(const Levels& levels, std::int64_t free_vcpus) {
    const auto found = std::partition_point(
        levels.begin(), levels.end(), [&](const Level& level) { return level.free_vcpus < free_vcpus; });
    return static_cast<std::size_t>(found - levels.begin());
}

std::optional<std::int64_t> memory_bound(const Level& level, const Shape& shape, Strategy strategy,
                                         std::int64_t memory_mib) {
    const bool fit = strategy == Strategy::best_fit;
    const int least = bucket_of(shape, memory_mib);
    const auto bucket = fit ? level.memory.first_from(least) : level.memory.last_from(least);
    if (!bucket) return std::nullopt;
    const std::int64_t bound_mib = std::int64_t{fit ? *bucket : *bucket + 1} << bucket_shift(shape);
    return shape.leftover(0, std::max<std::int64_t>(bound_mib - memory_mib, 0)).memory;
}

void FreeHosts::insert(const IndexedHost& host) {
    const Shape shape = shape_of(host.capacity);
    Levels& levels = shapes_[shape];
    const std::size_t at = first_level(levels, host.capacity.free_vcpus);
    if (at == levels.size() || levels[at].free_vcpus != host.capacity.free_vcpus) {
        levels.insert(levels.begin() + static_cast<std::ptrdiff_t>(at),
                      Level{host.capacity.free_vcpus, {}, {}});
    }
    add_spot(levels[at], shape, spot_of(host));
}

void FreeHosts::erase(const IndexedHost& host) {
    const auto found = shapes_.find(shape_of(host.capacity));
    Levels& levels = found->second;
    const std::size_t at = first_level(levels, host.capacity.free_vcpus);
    remove_spot(levels[at], found->first, spot_of(host));
    if (!levels[at].spots.empty()) return;
    levels.erase(levels.begin() + static_cast<std::ptrdiff_t>(at));
    if (levels.empty()) shapes_.erase(found);
}

}  // namespace lodge::scheduler
