#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/key_pair.h"

namespace lodge::db::key_pairs {

void insert(Session& session, const KeyPair& key_pair);
void erase(Session& session, const KeyPairId& id);
std::optional<KeyPair> find_by_name(Session& session, const AccountId& account_id, std::string_view region,
                                    std::string_view name);
std::optional<KeyPair> find(Session& session, const AccountId& account_id, std::string_view region,
                            std::string_view id);
std::vector<KeyPair> list(Session& session, const AccountId& account_id, std::string_view region);

}  // namespace lodge::db::key_pairs
