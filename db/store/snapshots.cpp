#include "db/store/snapshots.h"

#include "db/store/grants.h"
#include "db/store/records.h"
#include "db/store/tags.h"

namespace lodge::db::snapshots {
namespace {

const Records<Snapshot>& table() {
    using S = Snapshot;
    static const Records<S> records(
        "snapshots",
        {field("id", &S::id), field("account_id", &S::account_id), field("region", &S::region),
         field("volume_id", &S::volume_id), field("volume_size_bytes", &S::volume_size_bytes),
         field("parent_id", &S::parent_id), field("image_id", &S::image_id), field("state", &S::state),
         field("state_message", &S::state_message), field("description", &S::description),
         field("created_ms", &S::created_ms), field("completed_ms", &S::completed_ms),
         field("host_id", &S::host_id), field("cut", &S::cut), field("sha256", &S::sha256),
         field("size_bytes", &S::size_bytes), field("progress", &S::progress),
         field("is_public", &S::is_public), field("key_id", &S::key_id)});
    return records;
}

const Grants& grants() {
    static const Grants grants("snapshot_permissions", "snapshot_id");
    return grants;
}

// Whose ID follows twice, and may see the snapshot.
#define VISIBLE                                                                         \
    "state <> 'deleted' AND (account_id = ? OR is_public = 1 OR EXISTS (SELECT 1 FROM " \
    "snapshot_permissions p WHERE p.snapshot_id = snapshots.id AND p.account_id = ?))"

bool any(Session& session, std::string_view sql, std::initializer_list<Value> values) {
    bool found = false;
    session.query(sql, values, [&](const Row&) { found = true; });
    return found;
}

}  // namespace

void insert(Session& session, const Snapshot& record) {
    table().insert(session, record);
}

void update(Session& session, const Snapshot& record) {
    table().update(session, record);
}

void note_former_layer(Session& session, std::string_view sha256) {
    session.execute("INSERT INTO former_layers (sha256) VALUES (?) ON CONFLICT DO NOTHING", {sha256});
}

void erase(Session& session, const SnapshotId& id) {
    tags::erase_all(session, id.str());
    erase_permissions(session, id);
    session.execute(
        "INSERT INTO former_layers (sha256) SELECT sha256 FROM snapshots WHERE id = ? AND sha256 <> '' ON "
        "CONFLICT DO NOTHING",
        {id.str()});
    table().erase_id(session, id.str());
}

std::optional<Snapshot> find_any(Session& session, std::string_view id) {
    return table().find_any(session, id);
}

std::optional<Snapshot> find_visible(Session& session, const AccountId& account_id, std::string_view region,
                                     std::string_view id) {
    return table().one(session, "id = ? AND region = ? AND " VISIBLE, {id, region, account_id, account_id});
}

std::vector<Snapshot> list_visible(Session& session, const AccountId& account_id, std::string_view region,
                                   std::string_view after, std::int64_t limit) {
    return table().all(session, "region = ? AND id > ? AND " VISIBLE " ORDER BY id LIMIT ?",
                       {region, after, account_id, account_id, limit});
}

std::vector<Snapshot> list_all(Session& session) {
    return table().all(session, "1 = 1 ORDER BY id", {});
}

std::vector<Snapshot> waiting_on(Session& session, const HostId& host_id) {
    return table().all(session, "host_id = ? AND host_id <> '' ORDER BY volume_id, cut", {host_id.str()});
}

void move_waiting(Session& session, const VolumeId& volume_id, const HostId& to) {
    session.execute("UPDATE snapshots SET host_id = ? WHERE host_id <> '' AND volume_id = ?",
                    {to.str(), volume_id.str()});
}

bool has_waiting(Session& session, const VolumeId& volume_id) {
    return any(session, "SELECT 1 FROM snapshots WHERE host_id <> '' AND volume_id = ? LIMIT 1",
               {volume_id.str()});
}

bool is_beneath_others(Session& session, const SnapshotId& id) {
    return any(session, "SELECT 1 FROM snapshots WHERE parent_id = ? LIMIT 1", {id.str()}) ||
           any(session, "SELECT 1 FROM volumes WHERE below_id = ? AND below_id <> '' LIMIT 1", {id.str()}) ||
           any(session, "SELECT 1 FROM image_disks WHERE snapshot_id = ? LIMIT 1", {id.str()});
}

std::optional<ImageId> image_with(Session& session, const SnapshotId& id) {
    std::optional<ImageId> found;
    session.query(
        "SELECT d.image_id FROM image_disks d JOIN snapshots s ON s.id = d.snapshot_id JOIN images i ON "
        "i.id = d.image_id AND i.account_id = s.account_id WHERE d.snapshot_id = ? ORDER BY d.image_id "
        "LIMIT 1",
        {id.str()}, [&](const Row& row) { found = ImageId::trusted(std::string(row.text(0))); });
    return found;
}

std::vector<AccountId> permissions(Session& session, const SnapshotId& id) {
    return grants().of(session, id.str());
}

void add_permission(Session& session, const SnapshotId& id, const AccountId& account_id) {
    grants().add(session, id.str(), account_id);
}

void erase_permission(Session& session, const SnapshotId& id, const AccountId& account_id) {
    grants().erase(session, id.str(), account_id);
}

void erase_permissions(Session& session, const SnapshotId& id) {
    grants().erase_all(session, id.str());
}

}  // namespace lodge::db::snapshots
