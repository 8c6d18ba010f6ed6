#include "scheduler/network/settle.h"

#include "scheduler/network/nat_gateways.h"
#include "scheduler/network/peerings.h"

namespace lodge::network {

void settle(db::Session& session, UnixMs now_ms, const Applied& applied) {
    settle_peerings(session, now_ms);
    settle_nat_gateways(session, now_ms, applied);
}

}  // namespace lodge::network
