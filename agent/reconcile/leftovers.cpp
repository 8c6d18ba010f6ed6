// What the host has of Lodge and its list of guests does not name. Nothing of it ends by our own judgement.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "agent/reconcile/agent.h"

namespace lodge::agent {

// Nothing before the first list, or while the host leaves an epoch: nothing would be on the list.
link::LeftoversRequest Agent::find_leftovers() {
    auto disks = storage_.list_disks();  // before the list of guests: a disk made meanwhile is on it
    if (!disks) spdlog::warn("{}", disks.error().message);
    link::LeftoversRequest left;
    std::lock_guard lock(mutex_);
    if (desired_changes_ == 0 || (list_epoch_ > 0 && list_epoch_ != epoch_)) return left;
    for (const auto& stray : strays_)
        if (!guests_.contains(stray.guest_id)) left.guests.push_back(stray);
    const auto wanted = wanted_volumes();
    for (auto& disk : disks ? *disks : std::vector<VolumeId>())
        if (!wanted.contains(disk) && !doomed_volumes_.contains(disk)) left.volumes.push_back(disk);
    if (disks) add_files(left, *disks);
    return left;
}

// Called under the lock. What instance-store disks held ends with their guest, also where we died before we
// removed them; one whose domain is there is not over, whoever knows of it.
void Agent::sweep_store(const std::vector<GuestId>& stores, const Listed& listed) {
    for (const auto& id : stores) {
        const auto known = guests_.find(id);
        const bool comes = known != guests_.end() &&
                           (known->second.busy || known->second.desired.desired == Desired::running);
        if (comes || listed.domains.contains(id)) continue;
        add_work(work_, [this, id] {
            if (const Status removed = storage_.remove_store_disks(id); !removed)
                spdlog::warn("guest {}: {}", id.str(), removed.error().message);
        });
    }
}

// Called under the lock. Not while there is anything that our list does not name: it may need what that does
// not.
void Agent::add_files(link::LeftoversRequest& left, const std::vector<VolumeId>& disks) {
    const std::int64_t now_ms = clock_.steady_ms();
    if (!left.guests.empty() || !left.volumes.empty() ||
        (files_told_ms_ > 0 && now_ms - files_told_ms_ < options_.files_period_ms))
        return;
    files_told_ms_ = now_ms;
    left.tells_files = true;
    for (const auto& id : wanted_volumes())
        if (std::find(disks.begin(), disks.end(), id) == disks.end()) left.missing.push_back(id);
    const auto cached = storage_.list_contents();
    if (!cached) return spdlog::warn("{}", cached.error().message);
    const auto needed = needed_contents();
    for (const auto& sha256 : *cached)
        if (!needed.contains(sha256)) left.contents.push_back(sha256);
}

// Called under the lock.
std::set<std::string> Agent::needed_contents() const {
    std::set<std::string> needed;
    const auto add = [&](const link::GuestDisk& disk) {
        needed.insert(disk.image.sha256);
        for (const auto& layer : disk.layers) needed.insert(layer.sha256);
    };
    for (const auto& [id, entry] : guests_) {
        needed.insert({entry.desired.kernel.sha256, entry.desired.ramdisk.sha256});
        for (const auto& disk : disks_of(entry.desired)) add(disk);
    }
    for (const auto& [id, pending] : cuts_) add(pending.cut.disk);
    return needed;
}

// Called under the lock.
std::set<VolumeId> Agent::wanted_volumes() const {
    std::set<VolumeId> wanted = kept_volumes_;
    for (const auto& [id, entry] : guests_) {
        wanted.insert(entry.desired.root_volume_id);
        for (const auto& disk : entry.desired.disks) wanted.insert(disk.volume_id);
    }
    return wanted;
}

// Called under the lock. One that a domain still has waits for it to let go.
void Agent::remove_doomed(const std::vector<Domain>& domains) {
    if (list_epoch_ > 0 && list_epoch_ != epoch_) return;
    std::set<VolumeId> used = wanted_volumes();
    for (const auto& domain : domains) used.insert(domain.disks.begin(), domain.disks.end());
    for (auto& [id, doom] : doomed_volumes_) {
        if (doom != Doom::wanted || used.contains(id)) continue;
        doom = Doom::under_way;
        add_work(work_, [this, id = id] { run_doom(id); });
    }
}

void Agent::run_doom(const VolumeId& id) {
    const Status status = storage_.remove_disk(id);
    if (!status) spdlog::warn("disk {}: {}", id.str(), status.error().message);
    std::lock_guard lock(mutex_);
    auto doomed = doomed_volumes_.find(id);
    if (doomed == doomed_volumes_.end()) return;
    doomed->second = status ? Doom::removed : Doom::wanted;
    if (status) news_wake_.notify_all();
}

void Agent::ask_leftovers() {
    const auto left = find_leftovers();
    const bool any = !left.guests.empty() || !left.volumes.empty();
    if (!any && !told_leftovers_ && !left.tells_files) return;
    auto reply = link_.leftovers(left);
    if (!reply && left.tells_files) files_told_ms_ = 0;
    if (!reply) return;  // the next heartbeat asks again
    told_leftovers_ = any;
    for (const auto& id : reply->end_guests) add_work(work_, [this, id] { end_leftover(id); });
    for (const auto& id : reply->remove_volumes) add_work(work_, [this, id] { remove_leftover(id); });
    for (const auto& sha256 : reply->remove_contents)
        add_work(work_, [this, sha256] { remove_content(sha256); });
}

void Agent::end_leftover(const GuestId& id) {
    {
        std::lock_guard lock(mutex_);
        if (guests_.contains(id)) return;
    }
    spdlog::warn("guest {}: ended, since the control plane knows that it is over", id.str());
    auto status = hypervisor_.destroy(id);
    if (status) status = hypervisor_.undefine(id);
    if (!status) spdlog::warn("guest {}: {}", id.str(), status.error().message);
    kick();
}

void Agent::remove_leftover(const VolumeId& id) {
    {
        std::lock_guard lock(mutex_);
        if (wanted_volumes().contains(id)) return;
    }
    spdlog::warn("disk {}: removed, since the control plane knows that it is over", id.str());
    if (auto status = storage_.remove_disk(id); !status)
        spdlog::warn("disk {}: {}", id.str(), status.error().message);
}

void Agent::remove_content(const std::string& sha256) {
    {
        std::lock_guard lock(mutex_);
        if (needed_contents().contains(sha256)) return;
    }
    spdlog::info("image {}: removed, since nothing uses it any more", sha256);
    if (auto status = storage_.remove_content(sha256); !status)
        spdlog::warn("image {}: {}", sha256, status.error().message);
}

}  // namespace lodge::agent
