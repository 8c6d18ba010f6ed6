// Why a request found no room: hosts counted by the filter that dropped them, and the sentence users read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/placement/capacity_index.h"
#include "scheduler/placement/search.h"

namespace lodge::scheduler {

// A host that passed every filter but capacity.
struct NearMiss {
    HostId host;
    std::int64_t free_vcpus;
    std::int64_t free_memory_mib;
};

// Each host is counted once, by the first filter that dropped it, in the order of the members here:
// considered = zone + group_zone + architecture + pool + by_condition (but ok) + group_hosts +
// group_partitions + disk + vcpus + memory + fitting.
struct NoCapacity {
    std::int64_t vcpus = 0;  // of one instance
    std::int64_t memory_mib = 0;
    std::int64_t min_count = 0;
    std::int64_t max_count = 0;
    std::optional<HostId> pinned;

    std::int64_t considered = 0;    // every host there is; of a pinned request that host alone
    std::int64_t zone = 0;          // in a zone that was not asked for
    std::int64_t group_zone = 0;    // in another zone than the cluster group's instances
    std::int64_t architecture = 0;  // of another one
    std::int64_t pool = 0;          // of another pool
    std::array<std::int64_t, host_conditions> by_condition{};  // indexed by HostCondition; ok stays 0
    std::int64_t group_hosts = 0;                              // hold an instance of the spread group already
    std::int64_t group_partitions = 0;  // hold another partition of the partition group
    std::int64_t disk_short = 0;        // too little room on their disks
    std::int64_t vcpus_short = 0;       // too few vCPUs free for one instance
    std::int64_t memory_short = 0;      // enough vCPUs, too little memory
    std::int64_t fitting = 0;           // hold one instance or more

    std::int64_t could_place = 0;  // instances, in the zone that holds most: less than min_count
    // Of the hosts that passed every filter but capacity, the one with the largest part of what an instance
    // needs, once those that could be placed are; its scarcer resource decides. None if no host passed.
    std::optional<NearMiss> nearest;

    std::int64_t dropped(HostCondition condition) const {
        return by_condition[static_cast<std::size_t>(condition)];
    }
};

// "There is no host for 3 x (4 vCPU, 16384 MiB): of 12 hosts 2 are draining, 1 is unreachable, 6 lack memory,
// 3 lack vCPUs; the nearest has 2 vCPUs and 8192 MiB free." Names no host: users may read it.
std::string sentence(const NoCapacity& why);

// What a search was kept from.
struct Barred {
    const std::vector<const IndexedHost*>& hosts;  // `ok` ones of the partition; the caller counts them
    bool once = false;                             // hosts taken once take no more
};

// Adds what the search of one partition learned. `taken` is the whole of a search that ran until null. Looks
// at every host when there are barred ones.
void explain_partition(const Partition& partition, const Demand& demand, const std::vector<TakenHost>& taken,
                       const Barred& barred, NoCapacity& why);

// Makes that host `why.nearest` if it comes nearer to `demand` than the present one.
void offer_nearest(const HostId& host, std::int64_t free_vcpus, std::int64_t free_memory_mib,
                   const Demand& demand, NoCapacity& why);

}  // namespace lodge::scheduler
