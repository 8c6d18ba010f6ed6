#include "scheduler/volumes/pools.h"

#include "db/store/hosts.h"
#include "db/store/snapshots.h"
#include "db/store/volumes.h"

namespace lodge::volumes {

std::string storage_of(const Host& host) {
    return host.storage_pool.empty() ? host.id.str() : host.zone + " " + host.storage_pool;
}

bool share_storage(db::Session& session, const HostId& one, const HostId& other) {
    if (one == other) return true;
    const auto first = db::hosts::find(session, one);
    const auto second = db::hosts::find(session, other);
    return first && second && storage_of(*first) == storage_of(*second);
}

std::vector<HostId> sharing_with(db::Session& session, const Host& host) {
    std::vector<HostId> found;
    for (const auto& other : db::hosts::in_storage_pool(session, host.storage_pool))
        if (other.id != host.id && storage_of(other) == storage_of(host) && !other.certificate_sha256.empty())
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
