#include "db/store/settings.h"

namespace lodge::db::settings {

std::optional<std::string> get(Session& session, std::string_view name) {
    std::optional<std::string> found;
    session.query("SELECT value FROM settings WHERE name = ?", {name},
                  [&](const Row& row) { found = std::string(row.text(0)); });
    return found;
}

void put(Session& session, std::string_view name, std::string_view value) {
    session.execute(
        "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = "
        "excluded.value",
        {name, value});
}

}  // namespace lodge::db::settings
