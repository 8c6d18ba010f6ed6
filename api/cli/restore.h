// A backup put in the place of a database, without lodged and without SQL.
#pragma once

#include <filesystem>

#include "proto/base/result.h"

namespace lodge::cli {

// Copies `backup` durably to `state_dir`/lodge.db, mode 0600, owned by the folder's owner. conflict when a
// database (or what is left of one) is there or a lodged holds its lock; invalid_input when the backup is no
// whole SQLite database; io_failure else. On any error lodge.db is as it was: not there.
Status restore_database(const std::filesystem::path& backup, const std::filesystem::path& state_dir);

}  // namespace lodge::cli
