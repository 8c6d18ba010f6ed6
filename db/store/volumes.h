#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/volume.h"

namespace lodge::db::volumes {

void insert(Session& session, const Volume& record);
std::optional<Volume> find(Session& session, const AccountId& account_id, std::string_view region,
                           std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<Volume> list(Session& session, const AccountId& account_id, std::string_view region,
                         std::string_view after, std::int64_t limit);
// With its tags.
void erase(Session& session, const VolumeId& id);

}  // namespace lodge::db::volumes
