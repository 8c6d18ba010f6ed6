// How much hosts' disks may still be promised. Volumes take up what is written to them, so that a host's disk
// may be promised several times over; the operator says how often.
#pragma once

#include <cstdint>

#include "db/driver/session.h"
#include "proto/model/host.h"

namespace lodge::volumes {

// Bytes, negative when it is promised more than `overcommit` times; of a host that has not told its disk's
// size there is no end to them. Volumes count that have, or are to have, their file there, and instance-store
// disks of instances whose place is there.
std::int64_t room_on(db::Session& session, const Host& host, double overcommit);

}  // namespace lodge::volumes
