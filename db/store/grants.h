#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/driver/session.h"
#include "proto/base/ids.h"

namespace lodge::db {

// The accounts that may use what another one owns: a table of its ID, `column`, and theirs, `account_id`.
class Grants {
  public:
    Grants(std::string_view table, std::string_view column);

    std::vector<AccountId> of(Session& session, std::string_view id) const;
    // Adding one twice is adding it once.
    void add(Session& session, std::string_view id, const AccountId& account_id) const;
    void erase(Session& session, std::string_view id, const AccountId& account_id) const;
    void erase_all(Session& session, std::string_view id) const;

  private:
    std::string select_;
    std::string insert_;
    std::string erase_;
};

}  // namespace lodge::db
