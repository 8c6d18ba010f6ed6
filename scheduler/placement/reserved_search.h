// The hosts that instances get out of room reserved for them, before any that are free are searched.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/placement/place.h"

namespace lodge::scheduler {

// Whether the host is held by what the request's instances may not share it with.
bool group_bars(const HostCapacity& host, const Request& request);

// The partition that new instances on the host are in: that which holds it, else the wanted one, else that
// with the fewest in the host's zone. 0 without partitions.
std::int64_t partition_on(const CapacityIndex& index, const HostCapacity& host, const Request& request);

struct TakenReserved {
    CapacityReservationId reservation;
    const IndexedHost* host;
    std::int64_t partition;  // of the placement group; 0 without any
};

// Up to max_count, of hosts in the partition that take new guests. Each joins `request`'s group, so that
// what is placed after it is placed beside it.
std::vector<TakenReserved> take_reserved(const CapacityIndex& index, const Partition& partition,
                                         Request& request);

// How many instances the partition's hosts have reserved room for, whatever the group says.
std::int64_t reserved_in(const CapacityIndex& index, const Partition& partition, const Request& request);

}  // namespace lodge::scheduler
