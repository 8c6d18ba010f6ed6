#include "scheduler/placement/no_capacity.h"

#include <algorithm>
#include <utility>

namespace lodge::scheduler {
namespace {

// How much of an instance a host holds, in thousandths: of its scarcer resource, then of the other.
std::pair<std::int64_t, std::int64_t> nearness(std::int64_t free_vcpus, std::int64_t free_memory_mib,
                                               const Demand& demand) {
    return std::minmax({free_vcpus * 1000 / demand.vcpus, free_memory_mib * 1000 / demand.memory_mib});
}

// The host of the level that misses by least: among those with enough vCPUs, the one just below the memory
// needed.
const Spot* nearest_miss(const Level& level, const Demand& demand) {
    if (level.free_vcpus() < demand.vcpus) return &*level.buckets().back().rbegin();
    return level.nearest_below(demand.memory_mib);
}

}  // namespace

void offer_nearest(const HostId& host, std::int64_t free_vcpus, std::int64_t free_memory_mib,
                   const Demand& demand, NoCapacity& why) {
    if (why.nearest && nearness(why.nearest->free_vcpus, why.nearest->free_memory_mib, demand) >=
                           nearness(free_vcpus, free_memory_mib, demand)) {
        return;
    }
    why.nearest = NearMiss{host, free_vcpus, free_memory_mib};
}

void explain_partition(const Partition& partition, const Demand& demand, const std::vector<TakenHost>& taken,
                       NoCapacity& why) {
    std::int64_t vcpus_short = 0;
    for (const auto& [shape, levels] : partition.free_hosts.shapes()) {
        for (const Level& level : levels) {
            if (level.free_vcpus() < demand.vcpus) vcpus_short += level.hosts();
            const Spot* miss = nearest_miss(level, demand);
            if (miss == nullptr) continue;
            offer_nearest(miss->host->capacity.id, level.free_vcpus(), miss->free_memory_mib, demand, why);
        }
    }
    for (const TakenHost& host : taken) {
        offer_nearest(host.host->capacity.id, host.free_vcpus, host.free_memory_mib, demand, why);
    }
    why.vcpus_short += vcpus_short;
    why.fitting += std::ssize(taken);
    why.memory_short += partition.hosts(HostCondition::ok) - vcpus_short - std::ssize(taken);
}

}  // namespace lodge::scheduler
