#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/image.h"

namespace lodge::db::images {

void insert(Session& session, const Image& image);
// Takes its launch permissions, and its disks, too.
void deregister(Session& session, const ImageId& id);
// Writes back what ModifyImageAttribute and its like change.
void update_attributes(Session& session, const Image& image);
// Pending ones that have the snapshot among their disks.
std::vector<Image> waiting_for(Session& session, const SnapshotId& id);
// Whether all its disks' snapshots are completed.
bool is_complete(Session& session, const ImageId& id);
void set_state(Session& session, const ImageId& id, ImageState state);
// To the minute, so that not every launch writes.
void note_launch(Session& session, const ImageId& id, UnixMs now_ms);

// Other accounts that may see and launch the image. Adding one twice is adding it once.
std::vector<AccountId> launch_permissions(Session& session, const ImageId& id);
void add_launch_permission(Session& session, const ImageId& id, const AccountId& account_id);
void erase_launch_permission(Session& session, const ImageId& id, const AccountId& account_id);
void erase_launch_permissions(Session& session, const ImageId& id);

// Images an account may see in a region: its own, public ones, and those it has a launch permission of. One
// that is not available only its owner sees, a deregistered one nobody.
std::optional<Image> find_visible(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view id);
std::vector<Image> list_visible(Session& session, const AccountId& account_id, std::string_view region);
std::optional<Image> find_by_name(Session& session, const AccountId& account_id, std::string_view region,
                                  std::string_view name);
// Content that an account may register again: some image it sees has it.
std::optional<Image> find_visible_content(Session& session, const AccountId& account_id,
                                          std::string_view sha256);

// The operator's view, deregistered ones too.
std::optional<Image> find_any(Session& session, std::string_view id);
std::vector<Image> list_all(Session& session);
// Content that an image, a snapshot, a volume or a living instance needs; other files of the image folder may
// go.
bool content_in_use(Session& session, std::string_view sha256);
// Whether it was an image's or a layer's once, and nothing needs it any more. Of what a database has never
// heard of that does not follow: it may be newer than the backup that this is.
bool content_is_over(Session& session, std::string_view sha256);

}  // namespace lodge::db::images
