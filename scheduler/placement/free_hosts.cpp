#include "scheduler/placement/free_hosts.h"

#include <algorithm>

#include "scheduler/placement/capacity_index.h"

namespace lodge::scheduler {
namespace {

Shape shape_of(const HostCapacity& host) {
    return Shape(host.total_vcpus, host.total_memory_mib);
}

Spot spot_of(const IndexedHost& host) {
    return {host.capacity.free_memory_mib, host.order, &host};
}

}  // namespace

std::size_t first_level(const Levels& levels, std::int64_t free_vcpus) {
    const auto found = std::partition_point(
        levels.begin(), levels.end(), [&](const Level& level) { return level.free_vcpus() < free_vcpus; });
    return static_cast<std::size_t>(found - levels.begin());
}

void FreeHosts::insert(const IndexedHost& host) {
    const auto shape = shapes_.try_emplace(shape_of(host.capacity)).first;
    Levels& levels = shape->second;
    const std::int64_t vcpus = host.capacity.free_vcpus;
    const std::size_t at = first_level(levels, vcpus);
    if (at == levels.size() || levels[at].free_vcpus() != vcpus) {
        levels.emplace(levels.begin() + static_cast<std::ptrdiff_t>(at), vcpus, shape->first.memory_mib());
    }
    levels[at].insert(spot_of(host));
}

void FreeHosts::erase(const IndexedHost& host) {
    const auto shape = shapes_.find(shape_of(host.capacity));
    Levels& levels = shape->second;
    const std::size_t at = first_level(levels, host.capacity.free_vcpus);
    levels[at].erase(spot_of(host));
    if (levels[at].hosts() > 0) return;
    levels.erase(levels.begin() + static_cast<std::ptrdiff_t>(at));
    if (levels.empty()) shapes_.erase(shape);
}

}  // namespace lodge::scheduler
