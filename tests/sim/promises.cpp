#include "tests/sim/promises.h"

#include <algorithm>
#include <set>

#include "db/store/guests.h"
#include "db/store/hosts.h"
#include "db/store/snapshots.h"
#include "db/store/volumes.h"
#include "scheduler/lifecycle/lifecycle.h"

namespace lodge::sim {
namespace {

using Rows = std::vector<db::instances::WithGuest>;

Rows rows_of(ControlPlane& lodged) {
    auto rows = lodged.database().read(
        [](db::Session& session) -> Result<Rows> { return db::instances::list_all(session, 100'000); });
    return rows ? std::move(*rows) : Rows();
}

std::vector<Volume> volumes_of(ControlPlane& lodged) {
    using Volumes = std::vector<Volume>;
    auto volumes = lodged.database().read(
        [](db::Session& session) -> Result<Volumes> { return db::volumes::list_all(session); });
    return volumes ? std::move(*volumes) : Volumes();
}

std::map<SnapshotId, Snapshot> snapshots_of(ControlPlane& lodged) {
    using Found = std::map<SnapshotId, Snapshot>;
    auto found = lodged.database().read([](db::Session& session) -> Result<Found> {
        Found by_id;
        for (auto& each : db::snapshots::list_all(session)) by_id.emplace(each.id, each);
        return by_id;
    });
    return found ? std::move(*found) : Found();
}

InstanceState state_of(const db::instances::WithGuest& row) {
    return scheduler::visible_state(row.instance.desired, row.guest.observed);
}

bool is_moving(InstanceState state) {
    return state == InstanceState::pending || state == InstanceState::stopping ||
           state == InstanceState::shutting_down;
}

// EC2's, with those where a state in between lasts for a moment only.
bool may_follow(InstanceState before, InstanceState after) {
    using enum InstanceState;
    if (before == after) return true;
    switch (before) {
        case pending:
            return true;
        case running:
            return after == stopping || after == stopped || after == shutting_down || after == terminated;
        case stopping:
            return after == stopped || after == shutting_down || after == terminated;
        case stopped:
            return after == pending || after == shutting_down || after == terminated;
        case shutting_down:
            return after == terminated;
        case terminated:
            return false;
    }
    return false;
}

}  // namespace

std::string Watch::machines(const Hosts& hosts) {
    std::set<InstanceId> seen;
    for (const auto& host : hosts) {
        for (const auto& id : host->running())
            if (!seen.insert(id).second) return "two guests of " + id.str();
        for (const auto& domain : host->domains()) {
            const bool runs = domain.state == agent::DomainState::running;
            auto known = ended_.find(domain.guest_id);
            if (known == ended_.end()) {
                if (runs) ended_[domain.guest_id] = false;
            } else if (runs && known->second) {
                return domain.guest_id.str() + " had ended and runs again";
            } else if (domain.state == agent::DomainState::shut_off) {
                known->second = true;
            }
        }
    }
    return "";
}

std::string Watch::transitions(const Rows& rows) {
    for (const auto& row : rows) {
        auto now = state_of(row);
        auto [known, is_new] = states_.try_emplace(row.instance.id, now);
        if (is_new && now != InstanceState::pending)
            return row.instance.id.str() + " did not begin as pending";
        if (!may_follow(known->second, now))
            return row.instance.id.str() + " went from " + std::string(to_text(known->second)) + " to " +
                   std::string(to_text(now));
        known->second = now;
    }
    return "";
}

// Such a one may be forgotten: an hour passes at once when somebody sets the date.
bool Watch::has_ended(const std::string& id) const {
    auto known = states_.find(InstanceId::trusted(id));
    return known != states_.end() && known->second == InstanceState::terminated;
}

std::string Watch::kept(const Rows& rows, const ByAccount& promises) const {
    std::map<std::string, const db::instances::WithGuest*> by_id;
    std::map<std::pair<std::string, std::string>, std::set<std::string>>
        reservations;  // by account and token
    for (const auto& row : rows) {
        by_id[row.instance.id.str()] = &row;
        auto& of_token = reservations[{row.instance.account_id, row.instance.client_token}];
        of_token.insert(row.instance.reservation_id.str());
        if (of_token.size() > 1) return "one ClientToken launched twice: " + row.instance.client_token;
    }
    for (const auto& [account, promised] : promises) {
        for (const auto& [token, ids] : promised.launched)
            for (const auto& id : ids)
                if (!by_id.contains(id) && !has_ended(id)) return "acknowledged and lost: " + id;
        for (const auto& id : promised.terminating)
            if (!by_id.contains(id))
                continue;
            else if (auto state = state_of(*by_id[id]);
                     state != InstanceState::shutting_down && state != InstanceState::terminated)
                return id + " was to end and is " + std::string(to_text(state));
    }
    return "";
}

// The index is what the rows say, and no machine runs a guest whose capacity is free.
std::string Watch::claims(ControlPlane& lodged, const Hosts& hosts) {
    std::map<HostId, std::int64_t> vcpus;
    std::set<GuestId> holding;
    auto read = lodged.database().read([&](db::Session& session) -> Status {
        for (const auto& guest : db::guests::claiming(session)) {
            vcpus[guest.host_id] += guest.vcpus;
            holding.insert(guest.id);
        }
        return {};
    });
    if (!read) return "the database could not be read";
    for (const auto& host : hosts) {
        const auto* known = lodged.claims().index().find(host->id());
        if (known && known->total_vcpus - known->free_vcpus != vcpus[host->id()])
            return "claims on " + host->id().str() + " are " + std::to_string(vcpus[host->id()]) +
                   " vCPUs in the rows, " + std::to_string(known->total_vcpus - known->free_vcpus) +
                   " in the index";
        if (known && known->total_vcpus > 0 && known->free_vcpus < 0)
            return host->id().str() + " has more claims than room";
        if (!lodged.hub().known(host->id())) continue;  // fenced, perhaps, and its agent has not heard of it
        for (const auto& domain : host->domains())
            if (domain.state != agent::DomainState::shut_off && !holding.contains(domain.guest_id))
                return domain.guest_id.str() + " runs without a claim";
    }
    return "";
}

// Each instance has its root disk until that is removed, and there are no others; other volumes that somebody
// was told of are there until he deletes them.
std::string Watch::volumes(ControlPlane& lodged, const Rows& rows, const ByAccount& promises) {
    std::map<std::string, std::string> roots;  // whose, by ID
    std::set<std::string> others;
    for (const auto& volume : volumes_of(lodged)) {
        if (volume.is_root)
            roots.emplace(volume.id.str(), volume.instance_id.str());
        else
            others.insert(volume.id.str());
    }
    for (const auto& row : rows) {
        if (row.guest.observed == Observed::removed) continue;
        const auto& volume = row.instance.root_volume_id.str();
        auto found = roots.find(volume);
        // One whose snapshot is still to be sent outlives its instance for as long.
        const bool leaves = row.instance.desired == Desired::terminated && others.contains(volume);
        if (leaves) continue;
        if (found == roots.end() || found->second != row.instance.id.str())
            return row.instance.id.str() + " has a root disk that is no volume of its own: " + volume;
        roots.erase(found);
    }
    if (!roots.empty()) return "a root disk of nobody: " + roots.begin()->first;
    for (const auto& [account, promised] : promises)
        for (const auto& id : promised.volumes)
            if (!others.contains(id) && !promised.deleted.contains(id)) return "acknowledged and lost: " + id;
    return "";
}

// What somebody was told of is there until he deletes it, and so is all that anything lies on.
std::string Watch::snapshots(ControlPlane& lodged, const ByAccount& promises) {
    const auto there = snapshots_of(lodged);
    for (const auto& [account, promised] : promises)
        for (const auto& id : promised.snapshots) {
            const auto found = there.find(SnapshotId::trusted(id));
            const bool seen = found != there.end() && found->second.state != SnapshotState::deleted;
            if (!seen && !promised.forgotten.contains(id)) return "acknowledged and lost: " + id;
        }
    for (const auto& [id, snapshot] : there)
        if (!snapshot.parent_id.empty() && !there.contains(snapshot.parent_id))
            return id.str() + " lies on a layer that is gone: " + snapshot.parent_id.str();
    for (const auto& volume : volumes_of(lodged))
        if (!volume.below_id.empty() && !there.contains(volume.below_id))
            return volume.id.str() + " lies on a layer that is gone: " + volume.below_id.str();
    return "";
}

// Without what was under it is nothing but a file that was flattened. (That a first file began on nothing is
// not known here.)
std::string Watch::chains(ControlPlane& lodged, const Hosts& hosts) {
    std::set<std::string> flat;
    for (const auto& host : hosts) flat.merge(host->machine.flattened());
    const auto is_lost = [&](const VolumeId& id, std::int64_t cut, const SnapshotId& under) {
        return cut > 0 && under.empty() && !flat.contains(agent::NullStorage::path_of(id, cut));
    };
    for (const auto& volume : volumes_of(lodged))
        if (is_lost(volume.id, volume.cuts, volume.below_id)) return volume.id.str() + " has lost its layers";
    for (const auto& [id, snapshot] : snapshots_of(lodged))
        if (is_lost(snapshot.volume_id, snapshot.cut, snapshot.parent_id))
            return id.str() + " has lost its layers";
    return "";
}

// Once all has come to rest: every layer was sent, nothing is kept for nobody, and volumes write to the file
// that they are to.
std::string Watch::cuts(ControlPlane& lodged, const Hosts& hosts) {
    const auto there = snapshots_of(lodged);
    std::set<SnapshotId> used;
    for (const auto& [id, snapshot] : there) {
        if (!snapshot.host_id.empty()) return "a layer was not sent: " + id.str();
        used.insert(snapshot.parent_id);
    }
    for (const auto& volume : volumes_of(lodged)) {
        used.insert(volume.below_id);
        for (const auto& host : hosts) {
            if (host->id() != volume.host_id) continue;
            const auto file = host->disks.last_file(volume.id);
            if (file && *file != volume.cuts)
                return volume.id.str() + " is to write to file " + std::to_string(volume.cuts) + ", not " +
                       std::to_string(*file);
            for (const auto& domain : host->domains()) {
                const auto has = domain.cuts.find(volume.id);
                const bool plugged = std::count(domain.disks.begin(), domain.disks.end(), volume.id) > 0;
                if (plugged && (has == domain.cuts.end() ? 0 : has->second) != volume.cuts)
                    return volume.id.str() + " is written to by its guest in a file that is a layer";
            }
        }
    }
    for (const auto& [id, snapshot] : there)
        if (snapshot.state == SnapshotState::deleted && !used.contains(id))
            return "kept for nobody: " + id.str();
    return "";
}

// Once all has come to rest: guests have what is attached to their instances, hosts what there is.
std::string Watch::disks(ControlPlane& lodged, const Hosts& hosts) {
    std::map<std::string, std::set<std::string>> plugged;  // machines by volume
    for (const auto& host : hosts)
        for (const auto& domain : host->domains())
            for (const auto& id : domain.disks) plugged[id.str()].insert(domain.instance_id.str());
    std::map<HostId, std::set<VolumeId>> unclaimed;
    for (const auto& host : hosts) {
        const auto files = host->disks.list_disks();
        unclaimed[host->id()] = {files->begin(), files->end()};
    }
    const auto rows = rows_of(lodged);
    for (const auto& volume : volumes_of(lodged)) {
        const auto story = volume.id.str() + " of " + volume.instance_id.str() + ", " +
                           std::string(to_text(volume.attachment_state));
        if (volume.modifying || volume.deleting) return "still on its way: " + story;
        const bool runs = std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
            return row.instance.id == volume.instance_id && state_of(row) == InstanceState::running;
        });
        auto wanted = runs ? std::set{volume.instance_id.str()} : std::set<std::string>();
        if (plugged[volume.id.str()] != wanted)
            return story + (runs ? " is not in its guest, or in another" : " is in a guest");
        if (runs && volume.attachment_state != AttachmentState::attached) return "still on its way: " + story;
        if (unclaimed[volume.host_id].erase(volume.id) == 0 && volume.made)
            return "the disk is missing on " + volume.host_id.str() + " of " + story;
    }
    for (const auto& [host, left] : unclaimed)
        if (!left.empty()) return "a disk is left on " + host.str() + ": " + left.begin()->str();
    return stores(rows, hosts);
}

// Instance-store disks are those of guests that run with them, and no others.
std::string Watch::stores(const Rows& rows, const Hosts& hosts) {
    std::set<std::string> wanted;
    for (const auto& row : rows)
        if (state_of(row) == InstanceState::running && row.instance.store_disks > 0)
            wanted.insert(row.guest.id.str());
    for (const auto& host : hosts) {
        const auto stores = host->disks.list_store_disks();
        for (const auto& id : *stores)
            if (wanted.erase(id.str()) == 0) return "an instance-store disk is left of " + id.str();
    }
    return wanted.empty() ? "" : *wanted.begin() + " runs without its instance-store disks";
}

std::string Watch::after_step(ControlPlane& lodged, const Hosts& hosts, const ByAccount& promises) {
    const auto rows = rows_of(lodged);
    for (const auto& wrong :
         {machines(hosts), transitions(rows), kept(rows, promises), claims(lodged, hosts),
          volumes(lodged, rows, promises), snapshots(lodged, promises), chains(lodged, hosts)})
        if (!wrong.empty()) return wrong;
    return "";
}

std::string Watch::after_steps(ControlPlane& lodged, const Hosts& hosts, const ByAccount& promises) {
    const auto rows = rows_of(lodged);
    for (const auto& row : rows) {
        auto& known = states_.try_emplace(row.instance.id, InstanceState::pending).first->second;
        if (known == InstanceState::terminated && state_of(row) != known)
            return row.instance.id.str() + " is back from the dead";
        known = state_of(row);
    }
    for (const auto& wrong :
         {machines(hosts), kept(rows, promises), claims(lodged, hosts), volumes(lodged, rows, promises),
          snapshots(lodged, promises), chains(lodged, hosts)})
        if (!wrong.empty()) return wrong;
    return "";
}

bool Watch::moving(ControlPlane& lodged) {
    const auto rows = rows_of(lodged);
    return std::any_of(rows.begin(), rows.end(), [](const auto& row) { return is_moving(state_of(row)); });
}

std::string Watch::at_rest(ControlPlane& lodged, const Hosts& hosts, const ByAccount& promises) {
    std::map<InstanceId, HostId> run;
    for (const auto& host : hosts)
        for (const auto& id : host->running()) run.emplace(id, host->id());
    std::size_t running = 0;
    for (const auto& row : rows_of(lodged)) {
        const auto& instance = row.instance;
        auto state = state_of(row);
        auto story = instance.id.str() + " is " + std::string(to_text(state)) + ", its guest " +
                     std::string(to_text(row.guest.observed)) + " on " + instance.host_id.str();
        if (is_moving(state)) return "still on its way: " + story;
        auto found = run.find(instance.id);
        bool runs = found != run.end() && found->second == instance.host_id;
        if (runs != (state == InstanceState::running))
            return story + (runs ? ", and it runs" : ", and it does not run there");
        running += runs;
    }
    if (running != run.size()) return "guests run that no instance has";
    for (const auto& host : hosts)
        for (const auto& domain : host->domains())
            if (domain.state == agent::DomainState::held)
                return domain.guest_id.str() + " is held and nobody lets it run";
    for (const auto& wrong : {disks(lodged, hosts), cuts(lodged, hosts)})
        if (!wrong.empty()) return wrong;
    for (const auto& [account, promised] : promises)
        for (const auto& id : promised.terminating)
            if (states_[InstanceId::trusted(id)] != InstanceState::terminated)
                return id + " was to end and did not";
    return "";
}

}  // namespace lodge::sim
