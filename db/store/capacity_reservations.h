#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/capacity_reservation.h"

namespace lodge::db::capacity_reservations {

void insert(Session& session, const CapacityReservation& record);
void update(Session& session, const CapacityReservation& record);
std::optional<CapacityReservation> find(Session& session, const AccountId& account_id,
                                        std::string_view region, std::string_view id);
// Of any account: for the lifecycle.
std::optional<CapacityReservation> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<CapacityReservation> list(Session& session, const AccountId& account_id, std::string_view region,
                                      std::string_view after, std::int64_t limit);
// The account's active ones, oldest first; and everybody's.
std::vector<CapacityReservation> active(Session& session, const AccountId& account_id,
                                        std::string_view region);
std::vector<CapacityReservation> all_active(Session& session);
// Active ones whose end has come.
std::vector<CapacityReservation> due(Session& session, UnixMs now_ms);
// Forgets those that ended before, with their tags.
void erase_ended(Session& session, UnixMs before_ms);

// What they hold on hosts. Putting room of no instances takes the row away.
std::vector<ReservedRoom> all_rooms(Session& session);
void put_room(Session& session, const ReservedRoom& room);
void erase_rooms(Session& session, const CapacityReservationId& id);

// How many of its instances hold capacity now.
std::int64_t used(Session& session, const CapacityReservationId& id);
// What the account's active ones hold in the region that no instance uses.
struct Unused {
    std::int64_t instances = 0;
    std::int64_t vcpus = 0;
};
Unused unused(Session& session, const AccountId& account_id, std::string_view region);

}  // namespace lodge::db::capacity_reservations
