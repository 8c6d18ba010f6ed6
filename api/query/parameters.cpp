#include "api/query/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "proto/base/clock.h"
#include "proto/base/encoding.h"

namespace lodge::query {
namespace {

using ec2::Field;
using ec2::Honour;
using ec2::Kind;
using ec2::StructTable;

void add_struct(Parameters& out, const StructTable& table, const void* object, const std::string& path);

std::string text_of(Kind kind, const void* value) {
    switch (kind) {
        case Kind::string:
            return *static_cast<const std::string*>(value);
        case Kind::integer:
            return std::to_string(*static_cast<const std::int64_t*>(value));
        case Kind::boolean:
            return *static_cast<const bool*>(value) ? "true" : "false";
        case Kind::real:
            return fmt::format("{}", *static_cast<const double*>(value));
        case Kind::timestamp:
            return format_time(*static_cast<const UnixMs*>(value));
        case Kind::blob:
            return base64_encode(*static_cast<const std::string*>(value));
        case Kind::structure:
            break;
    }
    return {};
}

void add_value(Parameters& out, const Field& field, const void* value, const std::string& path) {
    if (field.kind == Kind::structure) {
        add_struct(out, *field.sub, value, path + ".");
    } else {
        out.push_back({path, text_of(field.kind, value)});
    }
}

void add_struct(Parameters& out, const StructTable& table, const void* object, const std::string& path) {
    for (const auto& field : table.fields) {
        if (field.honour != Honour::honoured) continue;
        auto name = path + std::string(field.query);
        if (field.list) {
            for (std::size_t i = 0, n = field.access.size(object); i < n; ++i)
                add_value(out, field, field.access.at(object, i), name + "." + std::to_string(i + 1));
        } else if (const void* value = field.access.get(object)) {
            add_value(out, field, value, name);
        }
    }
}

const Field* find_field(const StructTable& table, std::string_view name) {
    auto found = std::find_if(table.fields.begin(), table.fields.end(),
                              [&](const Field& field) { return field.query == name; });
    return found == table.fields.end() ? nullptr : &*found;
}

// How much of a key is replaced together: all of a list, one value of a structure.
std::string_view unit_of(const StructTable& table, std::string_view key) {
    const StructTable* at = &table;
    std::size_t from = 0;
    while (at) {
        auto end = std::min(key.find('.', from), key.size());
        const Field* field = find_field(*at, key.substr(from, end - from));
        if (!field || field->list || end == key.size()) return key.substr(0, end);
        at = field->sub;
        from = end + 1;
    }
    return key;
}

}  // namespace

Parameters parameters_of(const StructTable& table, const void* object) {
    Parameters out;
    add_struct(out, table, object, "");
    return out;
}

std::string form_text(const Parameters& parameters) {
    std::string out;
    for (const auto& [key, value] : parameters)
        out += (out.empty() ? "" : "&") + percent_encode(key) + "=" + percent_encode(value);
    return out;
}

Parameters overlay(const StructTable& table, const Parameters& base, const Parameters& over) {
    std::set<std::string_view> replaced;
    for (const auto& parameter : over) replaced.insert(unit_of(table, parameter.key));
    Parameters out;
    for (const auto& parameter : base)
        if (!replaced.contains(unit_of(table, parameter.key))) out.push_back(parameter);
    out.insert(out.end(), over.begin(), over.end());
    return out;
}

}  // namespace lodge::query
