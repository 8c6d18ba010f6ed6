#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/snapshot.h"

namespace lodge::db::snapshots {

void insert(Session& session, const Snapshot& record);
void update(Session& session, const Snapshot& record);
// Content that is a layer's, or was to be: it may be swept while it is none's.
void note_former_layer(Session& session, std::string_view sha256);
// With its tags and permissions. That its layer was one is remembered: see images::content_is_over().
void erase(Session& session, const SnapshotId& id);

// Deleted ones, too.
std::optional<Snapshot> find_any(Session& session, std::string_view id);
// Those an account may make volumes of: its own, public ones, and those it has a permission of.
std::optional<Snapshot> find_visible(Session& session, const AccountId& account_id, std::string_view region,
                                     std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<Snapshot> list_visible(Session& session, const AccountId& account_id, std::string_view region,
                                   std::string_view after, std::int64_t limit);
// Of all accounts, deleted ones too.
std::vector<Snapshot> list_all(Session& session);

// Whose layer is on the host and not in the image folder, deleted ones too, by volume and number.
std::vector<Snapshot> waiting_on(Session& session, const HostId& host_id);
// Those of the volume wait for another host.
void move_waiting(Session& session, const VolumeId& volume_id, const HostId& to);
// Whether a layer of the volume's is on its host alone.
bool has_waiting(Session& session, const VolumeId& volume_id);

// Whether a volume, another snapshot or a disk of an image lies on it.
bool is_beneath_others(Session& session, const SnapshotId& id);
// The image of its own account, pending or available, that begins with it. Others' do not keep it from being
// deleted: they go on with its layer.
std::optional<ImageId> image_with(Session& session, const SnapshotId& id);

// Other accounts that may make volumes of it. Adding one twice is adding it once.
std::vector<AccountId> permissions(Session& session, const SnapshotId& id);
void add_permission(Session& session, const SnapshotId& id, const AccountId& account_id);
void erase_permission(Session& session, const SnapshotId& id, const AccountId& account_id);
void erase_permissions(Session& session, const SnapshotId& id);

}  // namespace lodge::db::snapshots
