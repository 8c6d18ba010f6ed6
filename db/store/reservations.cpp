#include "db/store/reservations.h"

namespace lodge::db::reservations {

void insert(Session& session, const Reservation& reservation) {
    session.execute(
        "INSERT INTO reservations (id, account_id, region, created_ms) VALUES (?, ?, ?, ?)",
        {reservation.id.str(), reservation.account_id, reservation.region, reservation.created_ms});
}

}  // namespace lodge::db::reservations
