#pragma once

#include "db/driver/session.h"
#include "proto/model/instance.h"

namespace lodge::db::reservations {

void insert(Session& session, const Reservation& reservation);

}  // namespace lodge::db::reservations
