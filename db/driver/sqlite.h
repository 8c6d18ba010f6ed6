// SQLite behind the driver seam: WAL, synchronous=FULL, group commit.
#pragma once

#include <filesystem>
#include <memory>

#include "db/driver/database.h"

namespace lodge::db {

struct SqliteOptions {
    std::size_t max_batch = 256;  // requests that share one commit
    std::size_t readers = 64;     // read-only connections at most; one more reader waits for another
};

// Opens or makes the file (mode 0600); its schema is db/schema's business. Conflict when another process
// writes it: an exclusive lock on FILE.lock is held until destruction.
Result<std::unique_ptr<Database>> open_sqlite(const std::filesystem::path& file,
                                              const SqliteOptions& options = {});

}  // namespace lodge::db
