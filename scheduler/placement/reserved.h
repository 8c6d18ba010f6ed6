// Room that a capacity reservation holds on a host and that no instance is in: whoever takes it needs nothing
// of what the host has free.
#pragma once

#include <cstdint>

#include "proto/base/ids.h"

namespace lodge::scheduler {

struct Reserved {
    CapacityReservationId reservation;
    HostId host;
    std::int64_t instances = 0;
};

}  // namespace lodge::scheduler
