#include "scheduler/reconcile/leftovers.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "db/store/guests.h"
#include "db/store/images.h"
#include "db/store/instances.h"
#include "db/store/root_disks.h"
#include "db/store/volumes.h"
#include "scheduler/volumes/pools.h"

namespace lodge::scheduler {
namespace {

bool has_ended(const Instance& instance) {
    return instance.ended_ms > 0;
}

}  // namespace

// A guest that is gone, or an instance that has ended, never comes back to life: an older database that says
// so is right today as well. Nothing of the kind follows from a guest that it has never heard of.
Standing standing_of(db::Session& session, const HostId& host_id, const link::LeftGuest& left) {
    auto guest = db::guests::find(session, left.guest_id);
    auto row = db::instances::find_any(session, guest ? guest->instance_id : left.instance_id);
    if (row && has_ended(row->instance)) return Standing::over;
    if (!guest || guest->host_id != host_id) return Standing::unknown;
    bool gone = guest->observed == Observed::gone || guest->observed == Observed::removed;
    return gone ? Standing::over : Standing::wanted;
}

Standing standing_of(db::Session& session, const HostId& host_id, const VolumeId& volume_id) {
    if (const auto volume = db::volumes::find_any(session, volume_id))
        return volumes::share_storage(session, volume->host_id, host_id) ? Standing::wanted
                                                                         : Standing::unknown;
    auto owner = db::root_disks::instance_of(session, volume_id);
    auto row = owner ? db::instances::find_any(session, *owner) : std::nullopt;
    if (!row) return Standing::unknown;
    if (has_ended(row->instance)) return Standing::over;
    return row->instance.host_id == host_id ? Standing::wanted : Standing::unknown;
}

bool Leftovers::given_up(const HostId& host_id, const std::string& id) const {
    return given_up_.contains({host_id, id});
}

link::LeftoversReply Leftovers::judge(db::Session& session, const HostId& host_id,
                                      const link::LeftoversRequest& request) {
    link::LeftoversReply reply;
    std::vector<Unknown> unknown;
    std::lock_guard lock(mutex_);
    auto ends = [&](Standing standing, const std::string& id) {
        return standing == Standing::over || (standing == Standing::unknown && given_up(host_id, id));
    };
    for (const auto& guest : request.guests) {
        auto standing = standing_of(session, host_id, guest);
        if (ends(standing, guest.guest_id.str()))
            reply.end_guests.push_back(guest.guest_id);
        else if (standing == Standing::unknown)
            unknown.push_back({host_id, guest.guest_id.str(), guest.instance_id, true, guest.on});
    }
    for (const auto& volume : request.volumes) {
        auto standing = standing_of(session, host_id, volume);
        if (ends(standing, volume.str()))
            reply.remove_volumes.push_back(volume);
        else if (standing == Standing::unknown)
            unknown.push_back({host_id, volume.str(), {}, false, false});
    }
    if (request.tells_files) judge_files(session, host_id, request, reply);
    if (session.failed()) return {};  // what was not found may be there
    if (unknown.size() > unknown_[host_id].size())
        spdlog::warn("host {} has {} guests and disks that the database does not know; see: lodge doctor",
                     host_id.str(), unknown.size());
    unknown_[host_id] = std::move(unknown);
    return reply;
}

// Called under the lock.
void Leftovers::judge_files(db::Session& session, const HostId& host_id,
                            const link::LeftoversRequest& request, link::LeftoversReply& reply) {
    auto& missing = missing_[host_id];
    missing.clear();
    for (const auto& id : request.missing) {
        const auto volume = db::volumes::find_any(session, id);
        if (volume && volume->made && !volume->deleting && volume->host_id == host_id) missing.push_back(id);
    }
    if (!request.guests.empty() || !request.volumes.empty()) return;
    for (const auto& sha256 : request.contents)
        if (db::images::content_is_over(session, sha256)) reply.remove_contents.push_back(sha256);
}

std::map<HostId, std::vector<VolumeId>> Leftovers::missing() const {
    std::lock_guard lock(mutex_);
    return missing_;
}

std::vector<Leftovers::Unknown> Leftovers::unknown() const {
    std::vector<Unknown> all;
    std::lock_guard lock(mutex_);
    for (const auto& [host, found] : unknown_) all.insert(all.end(), found.begin(), found.end());
    return all;
}

bool Leftovers::give_up(const HostId& host_id, const std::string& id) {
    std::lock_guard lock(mutex_);
    auto host = unknown_.find(host_id);
    bool told = host != unknown_.end() && std::any_of(host->second.begin(), host->second.end(),
                                                      [&](const auto& each) { return each.id == id; });
    if (told) given_up_.insert({host_id, id});
    return told;
}

void Leftovers::note_restored(const HostId& host_id) {
    std::lock_guard lock(mutex_);
    restored_.insert(host_id);
}

std::set<HostId> Leftovers::restored() const {
    std::lock_guard lock(mutex_);
    return restored_;
}

}  // namespace lodge::scheduler
