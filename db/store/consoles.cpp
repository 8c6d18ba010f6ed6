#include "db/store/consoles.h"

namespace lodge::db::consoles {

void put(Session& session, const InstanceId& id, const Output& output) {
    session.execute(
        "INSERT INTO console_outputs (instance_id, output, captured_ms) VALUES (?, ?, ?) "
        "ON CONFLICT (instance_id) DO UPDATE SET output = excluded.output, captured_ms = "
        "excluded.captured_ms",
        {id.str(), Blob{output.bytes}, output.captured_ms});
}

std::optional<Output> get(Session& session, const InstanceId& id) {
    std::optional<Output> found;
    session.query("SELECT output, captured_ms FROM console_outputs WHERE instance_id = ?", {id.str()},
                  [&](const Row& row) {
                      found = Output{std::string(row.text(0)), row.integer(1)};
                  });
    return found;
}

}  // namespace lodge::db::consoles
