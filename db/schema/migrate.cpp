#include "db/schema/migrate.h"

namespace lodge::db {
namespace {

Result<int> version(Database& database) {
    return database.write([](Session& session) -> Result<int> {
        session.execute("CREATE TABLE IF NOT EXISTS schema_version (number BIGINT NOT NULL)");
        int number = 0;
        session.query("SELECT MAX(number) FROM schema_version", {},
                      [&](const Row& row) { number = static_cast<int>(row.integer(0)); });
        return number;
    });
}

}  // namespace

void run_script(Session& session, std::string_view script) {
    while (!script.empty()) {
        auto end = script.find(";\n");
        auto statement = script.substr(0, end);
        script = end == std::string_view::npos ? std::string_view() : script.substr(end + 2);
        if (statement.find_first_not_of(" \n\t") != std::string_view::npos) session.execute(statement);
    }
}

Status migrate(Database& database) {
    LODGE_TRY(int have, version(database));
    if (have > migrations().back().number)
        return fail(ErrorCode::conflict, "the database was written by a newer version of lodged");
    for (const auto& migration : migrations()) {
        if (migration.number <= have) continue;
        LODGE_CHECK(database.write([&](Session& session) -> Status {
            run_script(session, migration.sql);
            session.execute("INSERT INTO schema_version (number) VALUES (?)",
                            {std::int64_t{migration.number}});
            return {};
        }));
    }
    return {};
}

}  // namespace lodge::db
