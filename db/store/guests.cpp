#include "db/store/guests.h"

#include "db/store/holds_claim.h"

namespace lodge::db::guests {

const Records<Guest>& table() {
    static const Records<Guest> all(
        "guests",
        {field("id", &Guest::id), field("instance_id", &Guest::instance_id),
         field("host_id", &Guest::host_id), field("vcpus", &Guest::vcpus),
         field("memory_mib", &Guest::memory_mib), field("keeps_root", &Guest::keeps_root),
         field("observed", &Guest::observed), field("generation", &Guest::generation),
         field("reboots_done", &Guest::reboots_done), field("created_ms", &Guest::created_ms),
         field("observed_ms", &Guest::observed_ms), field("interrupts_done", &Guest::interrupts_done),
         field("capacity_reservation_id", &Guest::capacity_reservation_id)});
    return all;
}

void insert(Session& session, const Guest& guest) {
    table().insert(session, guest);
}

void update(Session& session, const Guest& guest) {
    session.execute(
        "UPDATE guests SET observed = ?, generation = ?, reboots_done = ?, interrupts_done = ?, observed_ms "
        "= ? "
        "WHERE id = ?",
        {to_text(guest.observed), guest.generation, guest.reboots_done, guest.interrupts_done,
         guest.observed_ms, guest.id.str()});
}

std::vector<Guest> claiming(Session& session) {
    return table().all(session, holds_claim_sql, {});
}

std::optional<Guest> find(Session& session, const GuestId& id) {
    return table().find_any(session, id.str());
}

std::vector<Guest> in_reservation(Session& session, const CapacityReservationId& id) {
    return table().all(session,
                       "capacity_reservation_id = ? AND capacity_reservation_id <> '' "
                       "AND " +
                           holds_claim_sql,
                       {id.str()});
}

void set_host(Session& session, const GuestId& id, const HostId& host_id) {
    session.execute("UPDATE guests SET host_id = ? WHERE id = ?", {host_id.str(), id.str()});
}

void set_reservation(Session& session, const GuestId& id, std::string_view reservation_id) {
    session.execute("UPDATE guests SET capacity_reservation_id = ? WHERE id = ?", {reservation_id, id.str()});
}

}  // namespace lodge::db::guests
