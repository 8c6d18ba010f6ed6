#pragma once

#include <optional>

#include "db/driver/session.h"
#include "proto/model/tag.h"

namespace lodge::db::client_tokens {

void insert(Session& session, const ClientToken& token);
std::optional<ClientToken> find(Session& session, const AccountId& account_id, std::string_view region,
                                std::string_view action, std::string_view token);
// Returns how many were made before `before_ms` and are forgotten now.
std::int64_t erase_old(Session& session, UnixMs before_ms);

}  // namespace lodge::db::client_tokens
