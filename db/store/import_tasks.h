#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/import_task.h"

namespace lodge::db::import_tasks {

// With its disks, as all of these.
void insert(Session& session, const ImportTask& record);
void update(Session& session, const ImportTask& record);
std::optional<ImportTask> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id);
std::optional<ImportTask> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<ImportTask> list(Session& session, const AccountId& account_id, std::string_view region,
                             ImportKind kind, std::string_view after, std::int64_t limit);
// Of all accounts, oldest first: those that have not ended.
std::vector<ImportTask> open(Session& session);
// Forgets those that ended before, with their tags.
void erase_ended(Session& session, UnixMs before_ms);

}  // namespace lodge::db::import_tasks
