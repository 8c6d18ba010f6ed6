// Access keys as the store has them, kept in memory until the store changes: every request asks for one.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "db/driver/database.h"
#include "proto/model/account.h"

namespace lodge::api {

// Any thread. A key that was taken away is gone from here before the call that took it away returns.
class AccessKeys {
  public:
    // InternalError where the store cannot be read.
    Result<std::optional<AccessKey>> find(db::Database& database, const std::string& id);

  private:
    static constexpr std::size_t most = 4'096;

    std::mutex mutex_;
    std::int64_t version_ = 0;  // of the database that `known_` is good for
    std::unordered_map<std::string, AccessKey> known_;
};

}  // namespace lodge::api
