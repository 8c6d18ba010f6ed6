// Access keys as the store has them, kept in memory until the store changes: every request asks for one.
#pragma once

#include <optional>
#include <string>

#include "api/describe/record_cache.h"
#include "db/driver/database.h"
#include "proto/model/account.h"

namespace lodge::api {

// Any thread. A key that was taken away is gone from here before the call that took it away returns.
class AccessKeys {
  public:
    // InternalError where the store cannot be read.
    Result<std::optional<AccessKey>> find(db::Database& database, const std::string& id);

  private:
    describe::RecordCache known_;  // by ID
};

}  // namespace lodge::api
