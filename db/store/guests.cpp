#include "db/store/guests.h"

namespace lodge::db::guests {

const Records<Guest>& table() {
    static const Records<Guest> all(
        "guests",
        {field("id", &Guest::id), field("instance_id", &Guest::instance_id),
         field("host_id", &Guest::host_id), field("vcpus", &Guest::vcpus),
         field("memory_mib", &Guest::memory_mib), field("keeps_root", &Guest::keeps_root),
         field("observed", &Guest::observed), field("generation", &Guest::generation),
         field("reboots_done", &Guest::reboots_done), field("created_ms", &Guest::created_ms),
         field("observed_ms", &Guest::observed_ms), field("interrupts_done", &Guest::interrupts_done)});
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
    return table().all(session, "observed NOT IN ('gone', 'failed', 'removed')", {});
}

std::optional<Guest> find(Session& session, const GuestId& id) {
    return table().find_any(session, id.str());
}

}  // namespace lodge::db::guests
