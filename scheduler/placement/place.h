// Which hosts take the instances of one request. Pure: no clock, no I/O, no randomness but the request's
// seed; the same index content and request give the same plan, in whatever order hosts were put. Claims
// nothing: whoever applies a plan claims each host again and must expect that claim to fail.
//
// Cost: about the number of (host shape, free vCPUs) pairs that the search opens, times a logarithm of the
// hosts; hardly more for 100,000 hosts than for 1,000 (tests/bench). A refusal looks at every such pair once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "scheduler/placement/capacity_index.h"
#include "scheduler/placement/group.h"
#include "scheduler/placement/no_capacity.h"
#include "scheduler/placement/reserved.h"
#include "scheduler/placement/score.h"

namespace lodge::scheduler {

struct Request {
    // Of each instance. 1 to max_total; what lies outside is brought inside.
    std::int64_t vcpus = 1;
    std::int64_t memory_mib = 1;
    std::string architecture;
    std::string zone;                // empty: any one of `zones`
    std::vector<std::string> zones;  // the region's available ones; not read when `zone` or `pinned` is set
    // 1 <= min_count <= max_count; what lies outside is brought inside.
    std::int64_t min_count = 1;
    std::int64_t max_count = 1;
    std::optional<HostId> pinned;  // this host or none: the root disk is there
    Strategy strategy = Strategy::best_fit;
    std::uint64_t seed = 0;  // chooses among hosts of equal cost
    std::optional<GroupRule> group;
    std::string pool;  // of hosts; empty: those that all share
    // Room that is claimed already and that these instances may use: they take it before any other, in this
    // order, where host and group allow it.
    std::vector<Reserved> reserved;
    bool reserved_only = false;  // no other room than that
    DiskRoom disk_room = nullptr;
};

struct Plan {
    std::vector<HostId>
        hosts;         // one an instance, min_count to max_count of them; a host may come up repeatedly
    std::string zone;  // of all of them
    std::vector<std::int64_t> partitions;  // one an instance, in a partition group; else empty
    // Of the first instances, whose room each one takes: the others take what is free.
    std::vector<CapacityReservationId> reservations;
};

// As many instances as there is room for, up to max_count, all in one zone: the zone that holds most of them,
// of those the one with most reserved room for them, of those the one with most free capacity (counted in
// such instances), of those the first by name. NoCapacity when no zone holds min_count. Any thread, as long
// as the index does not change meanwhile.
tl::expected<Plan, NoCapacity> place(const CapacityIndex& index, const Request& request);

}  // namespace lodge::scheduler
