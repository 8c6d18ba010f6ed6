// The keys of encrypted volumes and snapshots. A volume and what becomes of it, its snapshots and their
// volumes, are encrypted with one key; it ends with the last of them, and with it all that they held.
#pragma once

#include <string>

#include "db/driver/session.h"
#include "proto/agent/messages.h"
#include "proto/base/clock.h"
#include "proto/model/account.h"
#include "scheduler/volumes/key_ring.h"

namespace lodge::volumes {

// A new key, written; its ID. wrap()'s error.
Result<std::string> make_key(db::Session& session, const KeyRing& ring, const AccountId& account_id,
                             UnixMs now_ms, Random& random);

// As agents are told; an empty ID is no key. Without a passphrase when the ring cannot open it.
link::DiskKey key_of(db::Session& session, const KeyRing& ring, const std::string& id);

}  // namespace lodge::volumes
