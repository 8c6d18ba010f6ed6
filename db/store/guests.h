#pragma once

#include <optional>
#include <vector>

#include "db/store/records.h"
#include "proto/model/guest.h"

namespace lodge::db::guests {

const Records<Guest>& table();
void insert(Session& session, const Guest& guest);
// What an agent's report changes.
void update(Session& session, const Guest& guest);
// Every guest that holds a claim.
std::vector<Guest> claiming(Session& session);
std::optional<Guest> find(Session& session, const GuestId& id);

}  // namespace lodge::db::guests
