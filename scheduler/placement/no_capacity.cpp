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

bool misses(const Level& level, const Spot& spot, const Demand& demand) {
    return level.free_vcpus() < demand.vcpus || spot.free_memory_mib < demand.memory_mib;
}

void offer_misses(const Level& level, const Demand& demand, const Barred& barred, NoCapacity& why) {
    const auto offer = [&](const Spot& spot) {
        offer_nearest(spot.host->capacity.id, level.free_vcpus(), spot.free_memory_mib, demand, why);
    };
    if (barred.hosts.empty()) {
        if (const Spot* miss = nearest_miss(level, demand)) offer(*miss);
        return;
    }
    for (const Spots& bucket : level.buckets()) {
        for (const Spot& spot : bucket) {
            const auto& out = barred.hosts;
            if (misses(level, spot, demand) && std::find(out.begin(), out.end(), spot.host) == out.end())
                offer(spot);
        }
    }
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
                       const Barred& barred, NoCapacity& why) {
    std::int64_t vcpus_short = 0;
    for (const auto& [shape, levels] : partition.free_hosts.shapes()) {
        for (const Level& level : levels) {
            if (level.free_vcpus() < demand.vcpus) vcpus_short += level.hosts();
            offer_misses(level, demand, barred, why);
        }
    }
    for (const IndexedHost* host : barred.hosts)
        if (host->capacity.free_vcpus < demand.vcpus) --vcpus_short;
    for (const TakenHost& host : taken) {
        if (barred.once) break;
        offer_nearest(host.host->capacity.id, host.free_vcpus, host.free_memory_mib, demand, why);
    }
    why.vcpus_short += vcpus_short;
    why.fitting += std::ssize(taken);
    why.memory_short +=
        partition.hosts(HostCondition::ok) - vcpus_short - std::ssize(taken) - std::ssize(barred.hosts);
}

}  // namespace lodge::scheduler
