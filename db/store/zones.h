#pragma once

#include <vector>

#include "db/driver/session.h"
#include "proto/model/zone.h"

namespace lodge::db::zones {

// Adds or updates a zone of the configuration. Zones that the configuration dropped stay: resources name
// them.
void put(Session& session, const Zone& zone);
std::vector<Zone> list(Session& session);

}  // namespace lodge::db::zones
