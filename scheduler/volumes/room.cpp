#include "scheduler/volumes/room.h"

#include <limits>

#include "db/store/instances.h"
#include "db/store/volumes.h"
#include "scheduler/volumes/pools.h"

namespace lodge::volumes {

std::int64_t room_on(db::Session& session, const Host& host, double overcommit) {
    if (host.disk_mib <= 0) return std::numeric_limits<std::int64_t>::max();
    const double limit = static_cast<double>(host.disk_mib) * (1 << 20) * overcommit;
    std::int64_t promised =
        db::volumes::bytes_on(session, host.id) + db::instances::store_bytes_on(session, host.id);
    for (const HostId& other : sharing_with(session, host)) promised += db::volumes::bytes_on(session, other);
    return static_cast<std::int64_t>(limit) - promised;
}

}  // namespace lodge::volumes
