#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/security_group.h"

namespace lodge::db::prefix_lists {

void insert(Session& session, const PrefixList& record);
void update(Session& session, const PrefixList& record);
void erase(Session& session, const PrefixListId& id);
std::optional<PrefixList> find(Session& session, const AccountId& account_id, std::string_view region,
                               std::string_view id);
std::optional<PrefixList> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<PrefixList> list(Session& session, const AccountId& account_id, std::string_view region,
                             std::string_view after, std::int64_t limit);
void insert_entry(Session& session, const PrefixListEntry& record);
void erase_entries(Session& session, const PrefixListId& id);
// Forgets the versions before `version`.
void erase_versions_before(Session& session, const PrefixListId& id, std::int64_t version);
std::vector<PrefixListEntry> entries_of(Session& session, std::string_view prefix_list_id,
                                        std::int64_t version);

}  // namespace lodge::db::prefix_lists
