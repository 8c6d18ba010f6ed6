#include "scheduler/volumes/attachments.h"

#include <algorithm>
#include <utility>

#include "db/store/snapshots.h"
#include "db/store/volumes.h"
#include "scheduler/volumes/pools.h"
#include "scheduler/volumes/snapshots.h"
#include "scheduler/volumes/volume_types.h"

namespace lodge::volumes {
namespace {

// Whether one was under way.
bool end_modification(db::Session& session, Volume& volume, UnixMs now_ms) {
    if (!volume.modifying) return false;
    volume.modifying = false;
    db::volumes::update(session, volume);
    db::volumes::end_modification(session, volume.id, now_ms);
    return true;
}

void free_volume(db::Session& session, Volume& volume, UnixMs now_ms) {
    end_modification(session, volume, now_ms);
    volume.instance_id = InstanceId();
    volume.is_root = false;
    volume.attachment_state = AttachmentState::none;
    volume.device.clear();
    volume.attached_ms = 0;
    volume.flat = -1;
    volume.delete_on_termination = false;
    db::volumes::update(session, volume);
}

void set_state(db::Session& session, Volume& volume, AttachmentState state) {
    volume.attachment_state = state;
    db::volumes::update(session, volume);
}

// Null if it is not plugged in.
const link::ObservedDisk* find(const std::vector<link::ObservedDisk>& disks, const VolumeId& id) {
    const auto found =
        std::find_if(disks.begin(), disks.end(), [&](const auto& each) { return each.volume_id == id; });
    return found == disks.end() ? nullptr : &*found;
}

bool is_as_written(const Volume& volume, const link::ObservedDisk& seen) {
    const auto limits = limits_of(volume);
    return seen.size_bytes >= volume.size_bytes && seen.iops == limits.iops &&
           seen.bytes_per_s == limits.bytes_per_s;
}

// A machine that was killed has taken with it what it had not written yet.
void forget_flat(db::Session& session, const InstanceId& instance_id) {
    for (auto& volume : db::volumes::of_instance(session, instance_id))
        if (std::exchange(volume.flat, -1) != -1) db::volumes::update(session, volume);
}

// Whether anything has changed.
bool settle_attachment(db::Session& session, Volume& volume, UnixMs now_ms) {
    if (volume.attachment_state == AttachmentState::attaching) {
        set_state(session, volume, AttachmentState::attached);
    } else if (volume.attachment_state == AttachmentState::detaching) {
        free_volume(session, volume, now_ms);
    } else {
        return false;
    }
    return true;
}

// Of an instance that ends.
bool settle_end(db::Session& session, const Guest& guest, Volume& volume, UnixMs now_ms) {
    const bool goes = volume.delete_on_termination;
    if (volume.is_root && goes && !db::snapshots::has_waiting(session, volume.id)) {
        if (guest.observed != Observed::removed) return false;
        // One of whose snapshots was on its way its host may have left where it is.
        if (volume.cuts == 0) {
            erase(session, volume);
            return false;
        }
    }
    free_volume(session, volume, now_ms);
    if (goes) begin_delete(session, volume);
    return true;
}

}  // namespace

void put_attachment(Volume& volume, const Instance& instance, std::string_view device, AttachmentState state,
                    UnixMs now_ms) {
    if (volume.host_id.empty()) volume.host_id = instance.host_id;
    volume.instance_id = instance.id;
    volume.device = device;
    volume.is_root = device == instance.root_device_name;
    volume.attached_ms = now_ms;
    volume.flat = -1;
    volume.attachment_state = state;
}

void begin_attach(db::Session& session, Volume& volume, const Instance& instance, std::string_view device,
                  bool live, UnixMs now_ms) {
    put_attachment(volume, instance, device, live ? AttachmentState::attaching : AttachmentState::attached,
                   now_ms);
    move_volume(session, volume, instance.host_id);
}

void begin_detach(db::Session& session, Volume& volume, bool live, UnixMs now_ms) {
    if (live) {
        set_state(session, volume, AttachmentState::detaching);
    } else {
        free_volume(session, volume, now_ms);
    }
}

void begin_delete(db::Session& session, Volume& volume) {
    if (volume.host_id.empty()) {
        erase(session, volume);
    } else {
        volume.deleting = true;
        db::volumes::update(session, volume);
    }
}

bool note_plugged(db::Session& session, const InstanceId& instance_id,
                  const std::vector<link::ObservedDisk>& plugged, UnixMs now_ms) {
    bool changed = false;
    for (auto& volume : db::volumes::of_instance(session, instance_id)) {
        const auto* const seen = find(plugged, volume.id);
        if (seen != nullptr && is_as_written(volume, *seen))
            changed = end_modification(session, volume, now_ms) || changed;
        if (seen != nullptr && !volume.made) {
            volume.made = changed = true;
            db::volumes::update(session, volume);
        }
        const auto awaited = seen != nullptr ? AttachmentState::attaching : AttachmentState::detaching;
        if (volume.attachment_state == awaited)
            changed = settle_attachment(session, volume, now_ms) || changed;
    }
    return changed;
}

bool settle_ended_guest(db::Session& session, const Instance& instance, const Guest& guest, UnixMs now_ms) {
    if (guest.observed == Observed::stopped || !holds_claim(guest.observed))
        forget_flat(session, instance.id);
    if (holds_claim(guest.observed)) return false;
    const bool ends = instance.desired == Desired::terminated;
    bool changed = false;
    for (auto& volume : db::volumes::of_instance(session, instance.id)) {
        end_modification(session, volume, now_ms);
        // It has run, even if its agent died before it could say so.
        if (guest.observed == Observed::stopped && !volume.made) {
            volume.made = changed = true;
            db::volumes::update(session, volume);
        }
        const bool one =
            ends ? settle_end(session, guest, volume, now_ms) : settle_attachment(session, volume, now_ms);
        changed = changed || one;
    }
    return changed;
}

VolumeModification begin_modification(db::Session& session, Volume& volume, const VolumeShape& target,
                                      bool live, UnixMs now_ms) {
    VolumeModification made{
        volume.id, volume.account_id, volume.region, present_shape(volume), target, now_ms, 0};
    const auto before = limits_of(volume);
    put_shape(volume, target);
    volume.modifying = live && (made.original.size_bytes != target.size_bytes || before != limits_of(volume));
    if (!volume.modifying) made.ended_ms = now_ms;
    db::volumes::put_modification(session, made);
    db::volumes::update(session, volume);
    return made;
}

void note_removed(db::Session& session, const HostId& host_id, const VolumeId& id) {
    const auto volume = db::volumes::find_any(session, id);
    if (volume && volume->deleting && volume->host_id == host_id) erase(session, *volume);
}

}  // namespace lodge::volumes
