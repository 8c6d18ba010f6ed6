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
// One that holds no claim is another host's to end.
void set_host(Session& session, const GuestId& id, const HostId& host_id);
// Those in a capacity reservation's room that hold a claim.
std::vector<Guest> in_reservation(Session& session, const CapacityReservationId& id);
// Puts the guest into a capacity reservation, or with an empty ID out of it.
void set_reservation(Session& session, const GuestId& id, std::string_view reservation_id);

}  // namespace lodge::db::guests
