// Numbered migrations (NNN_name.sql) and the full schema, compiled into the program.
#pragma once

#include <string_view>
#include <vector>

#include "db/driver/database.h"

namespace lodge::db {

struct Migration {
    int number;
    std::string_view sql;
};

// In order, from 1, without gaps.
const std::vector<Migration>& migrations();

// What all migrations together amount to.
std::string_view full_schema();

// Brings the database up to the last migration, each in a transaction of its own; a second run changes
// nothing. Conflict when the database is newer than this program.
Status migrate(Database& database);

// Runs each statement of a script; statements end in a semicolon at the end of a line.
void run_script(Session& session, std::string_view script);

}  // namespace lodge::db
