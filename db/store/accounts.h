#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/account.h"

namespace lodge::db::accounts {

void insert(Session& session, const Account& account);
std::optional<Account> find(Session& session, const AccountId& id);
std::vector<Account> list(Session& session);
// Whether there is such an account.
bool set_operator(Session& session, const AccountId& id, bool is_operator);

// The account's own, each a number or no_own_limit.
AccountLimits own_limits(Session& session, const AccountId& id);
void put_own_limits(Session& session, const AccountId& id, const AccountLimits& limits);

void insert_key(Session& session, const AccessKey& key);
std::optional<AccessKey> find_key(Session& session, std::string_view id);
// Whether there was such a key.
bool set_key_active(Session& session, std::string_view id, bool active);
bool erase_key(Session& session, std::string_view id);
std::vector<AccessKey> list_keys(Session& session, const AccountId& account_id);

}  // namespace lodge::db::accounts
