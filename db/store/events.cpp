#include "db/store/events.h"

namespace lodge::db::events {

void insert(Session& session, const Event& event) {
    session.execute(
        "INSERT INTO events (id, at_ms, account_id, resource_id, kind, message) "
        "SELECT COALESCE(MAX(id), 0) + 1, ?, ?, ?, ?, ? FROM events",
        {event.at_ms, event.account_id, event.resource_id, event.kind, event.message});
}

std::vector<Event> latest_of(Session& session, std::string_view resource_id, std::int64_t limit) {
    std::vector<Event> all;
    session.query(
        "SELECT id, at_ms, account_id, resource_id, kind, message FROM events WHERE resource_id = ? "
        "ORDER BY id DESC LIMIT ?",
        {resource_id, limit}, [&](const Row& row) {
            all.push_back({row.integer(0), row.integer(1), std::string(row.text(2)), std::string(row.text(3)),
                           std::string(row.text(4)), std::string(row.text(5))});
        });
    return all;
}

std::int64_t erase_old(Session& session, UnixMs before_ms) {
    return session.execute("DELETE FROM events WHERE at_ms < ?", {before_ms});
}

}  // namespace lodge::db::events
