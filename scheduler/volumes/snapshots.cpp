#include "scheduler/volumes/snapshots.h"

#include <algorithm>
#include <utility>

#include "db/store/disk_keys.h"
#include "db/store/images.h"
#include "db/store/snapshots.h"
#include "db/store/tags.h"
#include "db/store/volumes.h"

namespace lodge::volumes {
namespace {

// What was last made of the volume shows all that it holds.
void complete(Snapshot& snapshot, UnixMs now_ms) {
    if (snapshot.state == SnapshotState::pending) snapshot.state = SnapshotState::completed;
    snapshot.completed_ms = now_ms;
    snapshot.progress = 100;
    snapshot.host_id = HostId();
}

// Those under the volume down to the one whose layer was the volume's file of that number; none, if that is
// not among them.
std::vector<Snapshot> down_to(db::Session& session, const Volume& volume, std::int64_t number) {
    std::vector<Snapshot> found;
    SnapshotId next = volume.below_id;
    while (!next.empty()) {
        auto snapshot = db::snapshots::find_any(session, next.str());
        if (!snapshot) break;
        next = snapshot->parent_id;
        found.push_back(std::move(*snapshot));
        if (found.back().volume_id == volume.id && found.back().cut == number) return found;
    }
    return {};
}

void settle_images(db::Session& session, const SnapshotId& id) {
    for (const auto& image : db::images::waiting_for(session, id))
        if (db::images::is_complete(session, image.id))
            db::images::set_state(session, image.id, ImageState::available);
}

// Takes away what lies under the volume's flat file, once that was cut for certain: its layer has been sent.
// Whether anything has changed.
bool settle_flat(db::Session& session, Volume& volume) {
    auto above = down_to(session, volume, volume.flat);
    if (above.empty()) return false;
    auto& flat = above.back();
    if (!flat.host_id.empty() || flat.sha256.empty()) return false;
    if (flat.parent_id.empty() && flat.image_id.empty()) return false;
    const SnapshotId below = std::exchange(flat.parent_id, {});
    for (auto& snapshot : above) {
        snapshot.image_id = ImageId();
        db::snapshots::update(session, snapshot);
    }
    volume.image_id = ImageId();
    db::volumes::update(session, volume);
    prune(session, below);
    return true;
}

}  // namespace

Status begin_snapshot(db::Session& session, Snapshot& snapshot, Volume& volume, UnixMs now_ms) {
    snapshot.volume_id = volume.id;
    snapshot.volume_size_bytes = volume.size_bytes;
    snapshot.parent_id = volume.below_id;
    snapshot.image_id = volume.image_id;
    snapshot.key_id = volume.key_id;
    if (volume.host_id.empty()) {
        complete(snapshot, now_ms);
        db::snapshots::insert(session, snapshot);
        return {};
    }
    const bool is_flat = volume.flat == volume.cuts;  // this cut takes the others from under it
    if (!is_flat && layers_of(session, volume.below_id).size() >= most_layers)
        return fail(ErrorCode::snapshot_limit_exceeded,
                    "The volume '" + volume.id.str() + "' lies on " + std::to_string(most_layers) +
                        " layers of snapshots, which is as many as one volume may. It gets rid of them while "
                        "an instance that has it runs; deleting snapshots does not help.");
    snapshot.host_id = volume.host_id;
    snapshot.cut = volume.cuts;
    db::snapshots::insert(session, snapshot);
    ++volume.cuts;
    volume.below_id = snapshot.id;
    db::volumes::update(session, volume);
    return {};
}

void insert_imported(db::Session& session, Snapshot& snapshot, const link::Content& layer,
                     std::int64_t disk_bytes, UnixMs now_ms) {
    snapshot.volume_size_bytes = disk_bytes;
    snapshot.sha256 = layer.sha256;
    snapshot.size_bytes = layer.size_bytes;
    complete(snapshot, now_ms);
    db::snapshots::insert(session, snapshot);
}

Status note_layer(db::Session& session, const HostId& host_id, const SnapshotId& id,
                  const link::Content& content, UnixMs now_ms) {
    auto snapshot = db::snapshots::find_any(session, id.str());
    if (!snapshot) return fail(ErrorCode::not_found, "there is no snapshot " + id.str());
    if (snapshot->host_id.empty() && snapshot->sha256 == content.sha256) return {};
    if (snapshot->host_id != host_id)
        return fail(ErrorCode::not_found, "the snapshot " + id.str() + " does not wait for this host");
    if (content.encrypted == snapshot->key_id.empty())
        return fail(ErrorCode::invalid_input,
                    "the layer of the snapshot " + id.str() +
                        (content.encrypted ? " is encrypted" : " is not encrypted"));
    snapshot->sha256 = content.sha256;
    snapshot->size_bytes = content.size_bytes;
    complete(*snapshot, now_ms);
    db::snapshots::update(session, *snapshot);
    if (auto volume = db::volumes::find_any(session, snapshot->volume_id)) settle_flat(session, *volume);
    settle_images(session, id);
    prune(session, id);
    return {};
}

bool is_to_be_flattened(const Volume& volume, std::size_t layers, const FlattenFrom& from) {
    return layers >= (volume.cuts > 0 ? from.cut : from.uncut);
}

bool note_flat(db::Session& session, const InstanceId& instance_id,
               const std::vector<link::ObservedDisk>& disks) {
    bool changed = false;
    for (const auto& disk : disks) {
        auto volume = disk.flat >= 0 ? db::volumes::find_any(session, disk.volume_id) : std::nullopt;
        if (!volume || volume->instance_id != instance_id) continue;
        if (std::exchange(volume->flat, disk.flat) != disk.flat) db::volumes::update(session, *volume);
        changed = settle_flat(session, *volume) || changed;
    }
    return changed;
}

void begin_delete(db::Session& session, Snapshot& snapshot) {
    snapshot.state = SnapshotState::deleted;
    snapshot.is_public = false;
    db::snapshots::update(session, snapshot);
    db::snapshots::erase_permissions(session, snapshot.id);
    db::tags::erase_all(session, snapshot.id.str());
    prune(session, snapshot.id);
}

// One that is still to be sent stays until it is: its host would not know what to make of it.
void prune(db::Session& session, const SnapshotId& id) {
    SnapshotId next = id;
    while (!next.empty()) {
        const auto snapshot = db::snapshots::find_any(session, next.str());
        if (!snapshot || snapshot->state != SnapshotState::deleted || !snapshot->host_id.empty() ||
            db::snapshots::is_beneath_others(session, next))
            return;
        db::snapshots::erase(session, next);
        db::disk_keys::erase_unused(session, snapshot->key_id);
        next = snapshot->parent_id;
    }
}

std::vector<link::Content> layers_of(db::Session& session, const SnapshotId& id) {
    std::vector<link::Content> layers;
    SnapshotId next = id;
    while (!next.empty()) {
        const auto snapshot = db::snapshots::find_any(session, next.str());
        if (!snapshot) break;
        if (!snapshot->sha256.empty() || !snapshot->host_id.empty())
            layers.push_back({snapshot->sha256, "qcow2", snapshot->size_bytes, !snapshot->key_id.empty()});
        next = snapshot->parent_id;
    }
    std::reverse(layers.begin(), layers.end());
    return layers;
}

void erase(db::Session& session, const Volume& volume) {
    db::volumes::erase(session, volume.id);
    db::disk_keys::erase_unused(session, volume.key_id);
    prune(session, volume.below_id);
}

std::size_t lose_host(db::Session& session, const HostId& host_id) {
    for (auto& snapshot : db::snapshots::waiting_on(session, host_id)) {
        if (snapshot.state == SnapshotState::pending) snapshot.state = SnapshotState::error;
        snapshot.state_message = "Its volume's host was lost before the data had been sent.";
        snapshot.host_id = HostId();
        db::snapshots::update(session, snapshot);
        for (const auto& image : db::images::waiting_for(session, snapshot.id))
            db::images::set_state(session, image.id, ImageState::failed);
    }
    const auto lost = db::volumes::of_host(session, host_id);
    for (const auto& volume : lost) erase(session, volume);
    return lost.size();
}

void put_snapshot(Volume& volume, const Snapshot& snapshot) {
    volume.snapshot_id = volume.below_id = snapshot.id;
    volume.image_id = snapshot.image_id;
    volume.key_id = snapshot.key_id;
}

}  // namespace lodge::volumes
