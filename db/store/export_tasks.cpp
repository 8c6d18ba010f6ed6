#include "db/store/export_tasks.h"

#include "db/store/records.h"
#include "db/store/tags.h"

namespace lodge::db::export_tasks {
namespace {

const Records<ExportTask>& table() {
    using T = ExportTask;
    using P = TaskProgress;
    static const Records<T> records(
        "export_tasks",
        {field("id", &T::id), field("account_id", &T::account_id), field("region", &T::region),
         field("image_id", &T::image_id), field("description", &T::description), field("format", &T::format),
         field("bucket", &T::bucket), field("prefix", &T::prefix), field("state", &T::progress, &P::state),
         field("message", &T::progress, &P::message), field("per_cent", &T::progress, &P::per_cent),
         field("attempts", &T::progress, &P::attempts), field("ended_ms", &T::progress, &P::ended_ms),
         field("created_ms", &T::created_ms)});
    return records;
}

}  // namespace

void insert(Session& session, const ExportTask& record) {
    table().insert(session, record);
}

void update(Session& session, const ExportTask& record) {
    table().update(session, record);
}

std::optional<ExportTask> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id) {
    return table().find(session, account_id, region, id);
}

std::optional<ExportTask> find_any(Session& session, std::string_view id) {
    return table().find_any(session, id);
}

std::vector<ExportTask> list(Session& session, const AccountId& account_id, std::string_view region,
                             std::string_view after, std::int64_t limit) {
    return table().list(session, account_id, region, after, limit);
}

std::vector<ExportTask> open(Session& session) {
    return table().all(session, "ended_ms = 0 ORDER BY created_ms, id", {});
}

void erase_ended(Session& session, UnixMs before_ms) {
    for (const auto& task : table().all(session, "ended_ms > 0 AND ended_ms <= ?", {before_ms})) {
        tags::erase_all(session, task.id.str());
        table().erase_id(session, task.id.str());
    }
}

}  // namespace lodge::db::export_tasks
