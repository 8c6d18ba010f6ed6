#include "api/actions/snapshot_view.h"

#include "api/actions/encryption.h"
#include "api/actions/image_view.h"
#include "api/actions/instance_view.h"
#include "api/actions/sharing.h"
#include "api/actions/tagging.h"
#include "api/actions/words.h"
#include "db/store/snapshots.h"
#include "scheduler/volumes/snapshots.h"

namespace lodge::api {
namespace {

// Of the account's, in the request's region, with nothing in it yet.
Snapshot new_snapshot(const RequestContext& context, const std::string& description) {
    Snapshot made;
    made.id = SnapshotId::make(context.services.random);
    made.account_id = context.account_id;
    made.region = context.region;
    made.description = description;
    made.created_ms = context.now_ms();
    return made;
}

}  // namespace

std::string shown_volume_id(const Snapshot& snapshot) {
    return snapshot.volume_id.empty() ? "vol-ffffffff" : snapshot.volume_id.str();
}

std::string shown_progress(const Snapshot& snapshot) {
    return std::to_string(snapshot.progress) + "%";
}

ec2::Snapshot to_ec2(const Snapshot& snapshot, const std::vector<Tag>& tags) {
    ec2::Snapshot out;
    out.snapshot_id = snapshot.id.str();
    out.description = snapshot.description;
    out.encrypted = !snapshot.key_id.empty();
    out.kms_key_id = shown_kms_key(snapshot.key_id, snapshot.account_id, snapshot.region);
    out.owner_id = snapshot.account_id;
    if (by_operator(snapshot.account_id)) out.owner_alias = "amazon";
    out.progress = shown_progress(snapshot);
    out.start_time = snapshot.created_ms;
    out.state = std::string(to_text(snapshot.state));
    out.state_message = unless_empty(snapshot.state_message);
    out.storage_tier = "standard";
    out.tags = to_ec2(tags);
    out.volume_id = shown_volume_id(snapshot);
    out.volume_size = gib_of(snapshot.volume_size_bytes);
    return out;
}

Result<Snapshot> find_snapshot_in(db::Session& session, const RequestContext& context,
                                  const std::string& region, const std::string& id) {
    if (!SnapshotId::parse(id)) return fail(ErrorCode::invalid_snapshot_id_malformed, id);
    auto found = db::snapshots::find_visible(session, context.account_id, region, id);
    if (!found) return fail(ErrorCode::invalid_snapshot_not_found, id);
    return std::move(*found);
}

Result<Snapshot> find_snapshot(db::Session& session, const RequestContext& context, const std::string& id) {
    return find_snapshot_in(session, context, context.region, id);
}

Result<Snapshot> find_own_snapshot(db::Session& session, const RequestContext& context,
                                   const std::string& id) {
    LODGE_TRY(auto snapshot, find_snapshot(session, context, id));
    if (snapshot.account_id == context.account_id) return snapshot;
    return fail(ErrorCode::auth_failure, "Not authorized for snapshot:" + id);
}

Result<Snapshot> find_completed_snapshot(db::Session& session, const RequestContext& context,
                                         const std::string& id) {
    LODGE_TRY(auto snapshot, find_snapshot(session, context, id));
    LODGE_CHECK(check_completed(snapshot));
    return snapshot;
}

Status check_completed(const Snapshot& snapshot) {
    if (snapshot.state == SnapshotState::completed) return {};
    return fail(ErrorCode::incorrect_state,
                "Snapshot is in invalid state - " + std::string(to_text(snapshot.state)));
}

Result<Snapshot> take_snapshot(db::Session& session, const RequestContext& context, Volume& volume,
                               const std::string& description) {
    auto made = new_snapshot(context, description);
    LODGE_CHECK(volumes::begin_snapshot(session, made, volume, context.now_ms()));
    if (made.state == SnapshotState::pending) wake_host(session, context, made.host_id);
    return made;
}

Snapshot make_copy(db::Session& session, const RequestContext& context, const Snapshot& source,
                   const std::string& description) {
    auto made = new_snapshot(context, description);
    made.volume_size_bytes = source.volume_size_bytes;
    made.parent_id = source.parent_id;
    made.image_id = source.image_id;
    made.state = SnapshotState::completed;
    made.completed_ms = context.now_ms();
    made.sha256 = source.sha256;
    made.size_bytes = source.size_bytes;
    made.progress = 100;
    made.key_id = source.key_id;
    db::snapshots::insert(session, made);
    return made;
}

}  // namespace lodge::api
