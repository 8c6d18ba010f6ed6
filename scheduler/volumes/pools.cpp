#include "scheduler/volumes/pools.h"

#include "db/store/hosts.h"
#include "db/store/snapshots.h"
#include "db/store/volumes.h"

namespace lodge::volumes {
namespace {

// Volumes belong to a zone, whatever its hosts have mounted.
bool are_alike(const Host& one, const Host& other) {
    return !one.storage_pool.empty() && one.storage_pool == other.storage_pool && one.zone == other.zone;
}

}  // namespace

bool share_storage(db::Session& session, const HostId& one, const HostId& other) {
    if (one == other) return true;
    const auto first = db::hosts::find(session, one);
    const auto second = db::hosts::find(session, other);
    return first && second && are_alike(*first, *second);
}

std::vector<HostId> sharing_with(db::Session& session, const HostId& id) {
    std::vector<HostId> found;
    const auto host = db::hosts::find(session, id);
    if (!host) return found;
    for (const auto& other : db::hosts::in_storage_pool(session, host->storage_pool))
        if (other.id != id && are_alike(*host, other) && !other.certificate_sha256.empty())
            found.push_back(other.id);
    return found;
}

bool is_being_sent(db::Session& session, const Volume& volume) {
    return db::snapshots::has_waiting(session, volume.id);
}

void move_volume(db::Session& session, Volume& volume, const HostId& to) {
    if (!volume.host_id.empty()) db::snapshots::move_waiting(session, volume.id, to);
    volume.host_id = to;
    db::volumes::update(session, volume);
}

}  // namespace lodge::volumes
