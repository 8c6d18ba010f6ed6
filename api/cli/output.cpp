#include "api/cli/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "api/cli/text.h"
#include "proto/base/clock.h"
#include "proto/base/encoding.h"

namespace lodge::cli {
namespace {

using nlohmann::json;

std::string number_text(const json& value, Show show) {
    if (value.is_number_float()) return fmt::format("{:.2f}", value.get<double>());
    auto number = value.get<std::int64_t>();
    switch (show) {
        case Show::bytes:
            return human_bytes(number);
        case Show::ago:
            return human_duration(number) + " ago";
        case Show::time:
            return format_time(number);
        default:
            return value.dump();
    }
}

std::string value_text(const json& value, Show show) {
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    if (value.is_number()) return number_text(value, show);
    if (value.is_string()) return printable(value.get_ref<const std::string&>());
    if (!value.is_array()) return "";
    std::string all;
    for (const auto& item : value) all.append(all.empty() ? "" : ",").append(value_text(item, show));
    return all;
}

using Line = std::vector<std::string>;

std::string pad(const std::string& text, std::size_t width, bool right) {
    std::string blanks(width - std::min(width, display_width(text)), ' ');
    return right ? blanks + text : text + blanks;
}

bool aligns_right(Show show) {
    return show == Show::number || show == Show::bytes;
}

void print_lines(std::ostream& out, const std::vector<Line>& lines, const std::vector<Column>& columns) {
    std::vector<std::size_t> widths(columns.size());
    for (const auto& line : lines)
        for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], display_width(line[i]));
    for (const auto& line : lines) {
        std::string text;
        for (std::size_t i = 0; i < line.size(); ++i)
            text.append(i > 0 ? "  " : "").append(pad(line[i], widths[i], aligns_right(columns[i].show)));
        text.erase(text.find_last_not_of(' ') + 1);
        out << text << '\n';
    }
}

}  // namespace

std::string cell(const json& row, const char* member, Show show) {
    if (!row.is_object() || !row.contains(member)) return "-";
    auto text = value_text(row[member], show);
    return text.empty() ? "-" : text;
}

std::vector<json> rows(const json& body, const char* member) {
    if (!body.is_object() || !body.contains(member) || !body[member].is_array()) return {};
    return {body[member].begin(), body[member].end()};
}

void print_table(std::ostream& out, const std::vector<json>& rows, const std::vector<Column>& columns) {
    std::vector<Line> lines(1);
    for (const auto& column : columns) lines[0].emplace_back(column.title);
    for (const auto& row : rows) {
        Line line;
        for (const auto& column : columns) line.push_back(cell(row, column.member, column.show));
        lines.push_back(std::move(line));
    }
    print_lines(out, lines, columns);
}

void print_list(Session& session, const json& body, const char* member, const std::vector<Column>& columns,
                std::string_view when_empty) {
    if (print_json(session, body)) return;
    auto found = rows(body, member);
    if (found.empty())
        session.err << when_empty << '\n';
    else
        print_table(session.out, found, columns);
}

void print_record(std::ostream& out, const json& record, const std::vector<Column>& lines) {
    std::size_t width = 0;
    for (const auto& line : lines) width = std::max(width, display_width(line.title));
    for (const auto& line : lines)
        out << pad(std::string(line.title), width, false) << "  " << cell(record, line.member, line.show)
            << '\n';
}

bool print_json(Session& session, const json& body) {
    if (session.json) session.out << body.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
    return session.json;
}

}  // namespace lodge::cli
