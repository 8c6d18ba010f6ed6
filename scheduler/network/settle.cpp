#include "scheduler/network/settle.h"

#include "scheduler/network/peerings.h"

namespace lodge::network {

void settle(db::Session& session, UnixMs now_ms) {
    settle_peerings(session, now_ms);
}

}  // namespace lodge::network
