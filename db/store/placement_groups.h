#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/placement_group.h"

namespace lodge::db::placement_groups {

void insert(Session& session, const PlacementGroup& record);
void erase(Session& session, const PlacementGroupId& id);
std::optional<PlacementGroup> find(Session& session, const AccountId& account_id, std::string_view region,
                                   std::string_view id);
std::optional<PlacementGroup> find_by_name(Session& session, const AccountId& account_id,
                                           std::string_view region, std::string_view name);
// Of any account: for the lifecycle.
std::optional<PlacementGroup> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<PlacementGroup> list(Session& session, const AccountId& account_id, std::string_view region,
                                 std::string_view after, std::int64_t limit);
std::int64_t count(Session& session, const AccountId& account_id, std::string_view region);

}  // namespace lodge::db::placement_groups
