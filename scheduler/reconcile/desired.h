// What a host is to have: rows in, messages out.
#pragma once

#include "db/driver/session.h"
#include "proto/agent/messages.h"
#include "scheduler/volumes/key_ring.h"
#include "scheduler/volumes/snapshots.h"

namespace lodge::scheduler {

// Fills in every guest whose domain or disk is, or is to be, on the host, and what becomes of volumes there.
// `keys` opens those of encrypted disks.
void desire(db::Session& session, const HostId& host_id, const volumes::KeyRing& keys,
            const volumes::FlattenFrom& flatten, link::PollReply& reply);

}  // namespace lodge::scheduler
