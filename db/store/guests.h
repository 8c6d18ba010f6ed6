#pragma once

#include <functional>
#include <optional>

#include "db/driver/session.h"
#include "proto/model/guest.h"

namespace lodge::db::guests {

void insert(Session& session, const Guest& guest);
// What an agent's report changes.
void update(Session& session, const Guest& guest);
// Every guest that holds a claim.
void each_claim(Session& session, const std::function<void(const Guest&)>& each);
std::optional<Guest> find(Session& session, const GuestId& id);

}  // namespace lodge::db::guests
