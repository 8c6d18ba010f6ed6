#include "scheduler/network/settle.h"

#include "scheduler/network/nat_gateways.h"
#include "scheduler/network/peerings.h"

namespace lodge::network {

void settle(db::Session& session, UnixMs now_ms) {
    settle_peerings(session, now_ms);
    settle_nat_gateways(session, now_ms);
}

bool is_applied(db::Session&, const VpcId&, std::int64_t) {
    return true;
}

}  // namespace lodge::network
