#include "db/store/import_tasks.h"

#include "db/store/records.h"
#include "db/store/tags.h"

namespace lodge::db::import_tasks {
namespace {

const Records<ImportTask>& table() {
    using T = ImportTask;
    using P = TaskProgress;
    static const Records<T> records(
        "import_tasks",
        {field("id", &T::id), field("account_id", &T::account_id), field("region", &T::region),
         field("kind", &T::kind), field("description", &T::description),
         field("architecture", &T::architecture), field("boot_mode", &T::boot_mode),
         field("state", &T::progress, &P::state), field("message", &T::progress, &P::message),
         field("per_cent", &T::progress, &P::per_cent), field("attempts", &T::progress, &P::attempts),
         field("ended_ms", &T::progress, &P::ended_ms), field("image_id", &T::image_id),
         field("created_ms", &T::created_ms)});
    return records;
}

const Records<ImportDisk>& disk_table() {
    using D = ImportDisk;
    static const Records<D> records(
        "import_disks",
        {field("task_id", &D::task_id), field("position", &D::position),
         field("description", &D::description), field("device", &D::device), field("format", &D::format),
         field("url", &D::url), field("bucket", &D::bucket), field("object_key", &D::object_key),
         field("size_bytes", &D::size_bytes), field("snapshot_id", &D::snapshot_id)},
        2);
    return records;
}

ImportTask with_disks(Session& session, ImportTask task) {
    task.disks = disk_table().all(session, "task_id = ? ORDER BY position", {task.id.str()});
    return task;
}

std::optional<ImportTask> with_disks(Session& session, std::optional<ImportTask> task) {
    if (!task) return std::nullopt;
    return with_disks(session, std::move(*task));
}

std::vector<ImportTask> with_disks(Session& session, std::vector<ImportTask> tasks) {
    for (auto& task : tasks) task = with_disks(session, std::move(task));
    return tasks;
}

}  // namespace

void insert(Session& session, const ImportTask& record) {
    table().insert(session, record);
    for (const auto& disk : record.disks) disk_table().insert(session, disk);
}

void update(Session& session, const ImportTask& record) {
    table().update(session, record);
    for (const auto& disk : record.disks) disk_table().update(session, disk);
}

std::optional<ImportTask> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id) {
    return with_disks(session, table().find(session, account_id, region, id));
}

std::optional<ImportTask> find_any(Session& session, std::string_view id) {
    return with_disks(session, table().find_any(session, id));
}

std::vector<ImportTask> list(Session& session, const AccountId& account_id, std::string_view region,
                             ImportKind kind, std::string_view after, std::int64_t limit) {
    return with_disks(
        session,
        table().all(session, "account_id = ? AND region = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?",
                    {account_id, region, to_text(kind), after, limit}));
}

std::vector<ImportTask> open(Session& session) {
    return with_disks(session, table().all(session, "ended_ms = 0 ORDER BY created_ms, id", {}));
}

void erase_ended(Session& session, UnixMs before_ms) {
    for (const auto& task : table().all(session, "ended_ms > 0 AND ended_ms <= ?", {before_ms})) {
        tags::erase_all(session, task.id.str());
        disk_table().erase(session, "task_id = ?", {task.id.str()});
        table().erase_id(session, task.id.str());
    }
}

}  // namespace lodge::db::import_tasks
