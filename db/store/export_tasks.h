#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/export_task.h"

namespace lodge::db::export_tasks {

void insert(Session& session, const ExportTask& record);
void update(Session& session, const ExportTask& record);
std::optional<ExportTask> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id);
std::optional<ExportTask> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<ExportTask> list(Session& session, const AccountId& account_id, std::string_view region,
                             std::string_view after, std::int64_t limit);
// Of all accounts, oldest first: those that have not ended.
std::vector<ExportTask> open(Session& session);
// Forgets those that ended before, with their tags.
void erase_ended(Session& session, UnixMs before_ms);

}  // namespace lodge::db::export_tasks
