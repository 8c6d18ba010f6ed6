// lodged's answers on the screen: aligned tables, or the JSON as it came.
#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/cli/session.h"

namespace lodge::cli {

// How a member is shown. `number` aligns right.
enum class Show { text, number, bytes, ago, time };

struct Column {
    std::string_view title;
    const char* member;
    Show show = Show::text;
};

// One member of a row as text: "-" for what is missing, null or empty, "yes" and "no", lists by commas.
std::string cell(const nlohmann::json& row, const char* member, Show show = Show::text);

// The rows in body[member]; none if it is not a list.
std::vector<nlohmann::json> rows(const nlohmann::json& body, const char* member);

void print_table(std::ostream& out, const std::vector<nlohmann::json>& rows,
                 const std::vector<Column>& columns);

// The JSON when the session wants that, else a table of body[member]; `when_empty`, a hint, goes to
// session.err instead of a table without rows.
void print_list(Session& session, const nlohmann::json& body, const char* member,
                const std::vector<Column>& columns, std::string_view when_empty);

// One "Title  value" line for each member, aligned.
void print_record(std::ostream& out, const nlohmann::json& record, const std::vector<Column>& lines);

// The JSON and true when the session wants that; else false and nothing.
bool print_json(Session& session, const nlohmann::json& body);

}  // namespace lodge::cli
