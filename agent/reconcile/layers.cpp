// Snapshots whose layers the control plane waits for. A layer that no machine writes to is sent; of a volume
// that no machine has, the cut is made here as well.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "agent/domain/disk_file.h"
#include "agent/reconcile/agent.h"

namespace lodge::agent {
namespace {

constexpr std::int64_t shortest_backoff_ms = 1'000;
constexpr std::int64_t longest_backoff_ms = 60'000;

}  // namespace

// Called under the lock.
void Agent::take_cuts(std::vector<link::Cut> cuts, bool started_anew) {
    std::map<SnapshotId, PendingCut> pending;
    for (auto& cut : cuts) {
        const SnapshotId id = cut.snapshot_id;
        const auto known = cuts_.find(id);
        if (known != cuts_.end() && (!started_anew || known->second.busy)) pending[id] = known->second;
        pending[id].cut = std::move(cut);
    }
    cuts_ = std::move(pending);
}

// A guest whose machine is about to come, or to be given the disk, makes the cut itself; one that is at a
// step may do that by an older wish, which knows nothing of it.
bool Agent::is_in_the_way(const Entry& entry, const link::Cut& cut, std::uint64_t ended_before) {
    const auto disks = disks_of(entry.desired);
    const auto disk = std::find_if(disks.begin(), disks.end(),
                                   [&](const auto& each) { return each.volume_id == cut.disk.volume_id; });
    if (disk == disks.end()) return false;
    const bool comes =
        entry.desired.desired == Desired::running && entry.start_failure.empty() && !disk->leaving;
    return comes || entry.busy || entry.step_ended > ended_before;
}

// Called under the lock.
void Agent::look_at_cuts(const std::vector<Domain>& domains, std::uint64_t ended_before, bool& soon) {
    if (list_epoch_ > 0 && list_epoch_ != epoch_) return;
    for (auto& [id, pending] : cuts_) {
        const link::Cut& cut = pending.cut;
        const VolumeId& volume = cut.disk.volume_id;
        if (pending.busy || pending.sent) continue;
        if (clock_.steady_ms() < pending.not_before_ms) {
            soon = true;
            continue;
        }
        // Layers are sent in their order: those without a hash are the topmost ones.
        const bool is_first = std::none_of(cuts_.begin(), cuts_.end(), [&](const auto& other) {
            return other.second.cut.disk.volume_id == volume && other.second.cut.cut < cut.cut;
        });
        const auto has = [&](const Domain& domain) { return has_disk(domain, volume); };
        const bool live = std::any_of(domains.begin(), domains.end(), has);
        const bool written = std::any_of(domains.begin(), domains.end(), [&](const auto& domain) {
            return has(domain) && file_number(domain.cuts, volume) <= cut.cut;
        });
        const bool in_the_way = std::any_of(guests_.begin(), guests_.end(), [&](const auto& each) {
            return is_in_the_way(each.second, cut, ended_before);
        });
        if (!is_first || written || (!live && in_the_way)) continue;
        pending.busy = true;
        add_work(layers_, [this, cut, live] { send_layer(cut, live); });
    }
}

void Agent::send_layer(const link::Cut& cut, bool live) {
    {
        std::lock_guard lock(mutex_);
        if (!cuts_.contains(cut.snapshot_id)) return;  // another host's by now, or nobody's
    }
    Status status = run_layer(cut, live);
    if (!status) spdlog::warn("snapshot {}: {}", cut.snapshot_id.str(), status.error().message);
    {
        std::lock_guard lock(mutex_);
        const auto found = cuts_.find(cut.snapshot_id);
        if (found == cuts_.end()) return;
        PendingCut& pending = found->second;
        pending.busy = false;
        pending.sent = status.has_value();
        pending.backoff_ms =
            status ? 0 : std::clamp(pending.backoff_ms * 2, shortest_backoff_ms, longest_backoff_ms);
        pending.not_before_ms = clock_.steady_ms() + pending.backoff_ms;
    }
    kick();
}

Status Agent::run_layer(const link::Cut& cut, bool live) {
    // As it was when this was queued. A machine that has got the disk since has made the cut, by the same
    // list.
    if (!live) LODGE_CHECK(storage_.ensure_disk(wanted_disk(cut.disk, true)).map([](auto&&) {}));
    LODGE_TRY(const LayerFile layer, storage_.read_layer(cut.disk.volume_id, cut.cut, cut.disk.cuts));
    const Status stored = link_.store_layer(cut.snapshot_id, layer.content, layer.path);
    if (!stored && stored.error().code == ErrorCode::not_found) {
        spdlog::info("snapshot {}: {}", cut.snapshot_id.str(), stored.error().message);
        list_is_wanted_ = true;  // nobody waits for it any more
        return {};
    }
    LODGE_CHECK(stored);
    return storage_.keep_layer(cut.disk.volume_id, cut.cut, layer.content);
}

}  // namespace lodge::agent
