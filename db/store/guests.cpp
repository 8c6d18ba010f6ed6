#include "db/store/guests.h"

namespace lodge::db::guests {
namespace {

#define GUEST_COLUMNS                                                                               \
    "id, instance_id, host_id, vcpus, memory_mib, keeps_root, observed, generation, reboots_done, " \
    "created_ms, observed_ms"

Guest from(const Row& row) {
    Guest guest;
    guest.id = GuestId::trusted(std::string(row.text(0)));
    guest.instance_id = InstanceId::trusted(std::string(row.text(1)));
    guest.host_id = HostId::trusted(std::string(row.text(2)));
    guest.vcpus = row.integer(3);
    guest.memory_mib = row.integer(4);
    guest.keeps_root = row.integer(5) != 0;
    guest.observed = from_text<Observed>(row.text(6)).value_or(Observed::placed);
    guest.generation = row.integer(7);
    guest.reboots_done = row.integer(8);
    guest.created_ms = row.integer(9);
    guest.observed_ms = row.integer(10);
    return guest;
}

}  // namespace

void insert(Session& session, const Guest& guest) {
    session.execute("INSERT INTO guests (" GUEST_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    {guest.id.str(), guest.instance_id.str(), guest.host_id.str(), guest.vcpus,
                     guest.memory_mib, std::int64_t{guest.keeps_root}, to_text(guest.observed),
                     guest.generation, guest.reboots_done, guest.created_ms, guest.observed_ms});
}

void update(Session& session, const Guest& guest) {
    session.execute(
        "UPDATE guests SET observed = ?, generation = ?, reboots_done = ?, observed_ms = ? WHERE id = ?",
        {to_text(guest.observed), guest.generation, guest.reboots_done, guest.observed_ms, guest.id.str()});
}

void each_claim(Session& session, const std::function<void(const Guest&)>& each) {
    session.query("SELECT " GUEST_COLUMNS " FROM guests WHERE observed NOT IN ('gone', 'failed', 'removed')",
                  {}, [&](const Row& row) { each(from(row)); });
}

std::optional<Guest> find(Session& session, const GuestId& id) {
    std::optional<Guest> found;
    session.query("SELECT " GUEST_COLUMNS " FROM guests WHERE id = ?", {id.str()},
                  [&](const Row& row) { found = from(row); });
    return found;
}

}  // namespace lodge::db::guests
