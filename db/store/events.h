#pragma once

#include <vector>

#include "db/driver/session.h"
#include "proto/model/tag.h"

namespace lodge::db::events {

// Writes the event; its ID is the next one.
void insert(Session& session, const Event& event);
// The newest of one resource, newest first.
std::vector<Event> latest_of(Session& session, std::string_view resource_id, std::int64_t limit);
std::int64_t erase_old(Session& session, UnixMs before_ms);

}  // namespace lodge::db::events
