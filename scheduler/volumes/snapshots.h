// Snapshots of volumes: how one comes to be, and what lies under a volume. Source: EC2 reference,
// "CreateSnapshot", "DeleteSnapshot"; EBS user guide, "How snapshots work".
//
// A snapshot cuts its volume: the file that the volume writes to becomes the snapshot's layer and never
// changes again, and the volume goes on in a new file above it. So a snapshot takes no time and costs what
// changed since the one before. The layer then goes to the image folder, by its hash; with it there the
// snapshot is completed, and any host can build on it. Everything runs in the caller's transaction and writes
// the records.
#pragma once

#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/agent/messages.h"
#include "proto/model/snapshot.h"
#include "proto/model/volume.h"

namespace lodge::volumes {

// How many layers may lie under a volume's own file: QEMU opens all of them.
inline constexpr std::size_t most_layers = 64;

// With how many a volume's guest is told to flatten it: to copy all that lies under its own file into that,
// while it runs. One that snapshots are made of goes on getting deeper; others are begun with much.
struct FlattenFrom {
    std::size_t cut = 32;
    std::size_t uncut = 48;
};
bool is_to_be_flattened(const Volume& volume, std::size_t layers, const FlattenFrom& from);

// Fills in what `snapshot`, which has an ID and its owner's words, is a snapshot of; writes both. A volume
// that never had a file has no layer to wait for: its snapshot is completed. SnapshotLimitExceeded when too
// many layers lie under the volume.
Status begin_snapshot(db::Session& session, Snapshot& snapshot, Volume& volume, UnixMs now_ms);

// Writes the snapshot, which has an ID and its owner's words, of a disk that came from abroad: completed,
// with a layer of its own that lies on nothing and is in the image folder.
void insert_imported(db::Session& session, Snapshot& snapshot, const link::Content& layer,
                     std::int64_t disk_bytes, UnixMs now_ms);

// The host's word that the layer is in the image folder. Repeated, or about another host's, it changes
// nothing. Images that only waited for it are available; if it is a flat file, nothing lies under it now.
Status note_layer(db::Session& session, const HostId& host_id, const SnapshotId& id,
                  const link::Content& content, UnixMs now_ms);

// What the instance's guest says of its disks' files under which nothing lies. What was copied into such a
// file is on the disk for certain once it was cut, which has QEMU write all of it: when its layer has been
// sent, nothing lies under that snapshot any more (see note_layer()). Until then the chain stays, and only
// does not keep the volume from being cut. Returns whether the chain has changed.
bool note_flat(db::Session& session, const InstanceId& instance_id,
               const std::vector<link::ObservedDisk>& disks);

// From now on nobody sees it. Its layer stays for as long as others lie on it.
void begin_delete(db::Session& session, Snapshot& snapshot);

// Takes away what nobody sees and nobody lies on, from `id` on downwards; an empty ID is nothing.
void prune(db::Session& session, const SnapshotId& id);

// The layers up to the snapshot's own, the lowest first; without a hash: on its volume's host alone.
std::vector<link::Content> layers_of(db::Session& session, const SnapshotId& id);

// Ends the volume's row, and what was there for its sake alone.
void erase(db::Session& session, const Volume& volume);

// The host is off for good, and what is on its disks alone is lost: volumes, and layers that were not sent.
// Their snapshots are in error, and images that wait for those have failed. Returns how many volumes that
// were.
std::size_t lose_host(db::Session& session, const HostId& host_id);

// Makes the new volume begin as the snapshot is, and writes nothing.
void put_snapshot(Volume& volume, const Snapshot& snapshot);

}  // namespace lodge::volumes
