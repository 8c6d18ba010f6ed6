#include "api/catalogue/type_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

// Errors as values; nothing else includes this header (it is long).
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace lodge::catalogue {
namespace {

// A node, with its name from the top of the file ("families.m5.sizes.large") for messages.
struct Spot {
    const std::string& file;
    std::string name;
    const toml::node& node;

    std::string place() const { return fmt::format("{}:{}", file, node.source().begin.line); }
    Spot at(std::string_view key, const toml::node& child) const {
        return {file, name.empty() ? std::string(key) : fmt::format("{}.{}", name, key), child};
    }
};

tl::unexpected<Error> wrong(const Spot& spot, std::string_view why) {
    return fail(ErrorCode::invalid_input, fmt::format("{}: {} {}", spot.place(), spot.name, why));
}

template <class T>
Value list_of(const toml::array& array) {
    std::vector<T> items;
    for (const auto& node : array) {
        const auto* item = node.as<T>();
        if (!item) return std::monostate();
        items.push_back(item->get());
    }
    return items;
}

Value value_of(const toml::node& node) {
    if (const auto* boolean = node.as_boolean()) return boolean->get();
    if (const auto* integer = node.as_integer()) return integer->get();
    if (const auto* real = node.as_floating_point()) return real->get();
    if (const auto* text = node.as_string()) return text->get();
    const auto* array = node.as_array();
    if (!array || array->empty()) return std::monostate();
    return array->front().is_integer() ? list_of<std::int64_t>(*array) : list_of<std::string>(*array);
}

Result<const toml::table*> table_of(const Spot& spot) {
    const auto* table = spot.node.as_table();
    if (!table) return wrong(spot, "must be a table");
    return table;
}

// Families and sizes make up the names of types, which go into XML, logs and shells.
bool good_name(std::string_view name) {
    constexpr std::size_t longest = 32;
    auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !name.empty() && name.size() <= longest && std::all_of(name.begin(), name.end(), good);
}

Status check_name(const Spot& spot, std::string_view name) {
    if (good_name(name)) return {};
    return wrong(spot, "must have a name of 1 to 32 small letters, digits and dashes");
}

Status add_setting(Entry& entry, const Spot& spot, std::string_view key) {
    auto setting = make_setting(key, value_of(spot.node));
    if (!setting) return wrong(spot, setting.error());
    entry.settings.emplace(key, std::move(*setting));
    return {};
}

// Reads all keys of a table but `except`.
Result<Entry> read_entry(const Spot& spot, std::string_view except = {}) {
    LODGE_TRY(const auto* table, table_of(spot));
    Entry entry;
    entry.place = spot.place();
    for (const auto& [key, node] : *table)
        if (key.str() != except) LODGE_CHECK(add_setting(entry, spot.at(key.str(), node), key.str()));
    return entry;
}

Status read_sizes(Family& family, const Spot& spot) {
    LODGE_TRY(const auto* table, table_of(spot));
    for (const auto& [size, node] : *table) {
        auto row = spot.at(size.str(), node);
        LODGE_CHECK(check_name(row, size.str()));
        LODGE_TRY(family.sizes[std::string(size.str())], read_entry(row));
    }
    return {};
}

Result<Family> read_family(const Spot& spot) {
    Family family;
    LODGE_TRY(family.common, read_entry(spot, "sizes"));
    if (const auto* sizes = spot.node.as_table()->get("sizes"))
        LODGE_CHECK(read_sizes(family, spot.at("sizes", *sizes)));
    return family;
}

Status read_families(TypeFile& file, const Spot& spot) {
    LODGE_TRY(const auto* table, table_of(spot));
    for (const auto& [name, node] : *table) {
        auto family = spot.at(name.str(), node);
        LODGE_CHECK(check_name(family, name.str()));
        LODGE_TRY(file.families[std::string(name.str())], read_family(family));
    }
    return {};
}

Result<TypeFile> read_root(const std::string& path, const toml::table& root) {
    TypeFile file;
    Spot top{path, "", root};
    for (const auto& [key, node] : root) {
        auto spot = top.at(key.str(), node);
        if (key == "defaults") {
            LODGE_TRY(file.defaults, read_entry(spot));
        } else if (key == "families") {
            LODGE_CHECK(read_families(file, spot));
        } else {
            return wrong(spot, "is not a key of the catalogue");
        }
    }
    return file;
}

Result<std::string> read_text(const std::filesystem::path& path) {
    std::error_code ignored;
    std::ifstream stream(path, std::ios::binary);
    if (!stream || std::filesystem::is_directory(path, ignored))
        return fail(ErrorCode::io_failure, fmt::format("{}: this file cannot be read", path.string()));
    return std::string(std::istreambuf_iterator<char>(stream), {});
}

}  // namespace

Result<TypeFile> read_type_file(const std::filesystem::path& path) {
    LODGE_TRY(const std::string text, read_text(path));
    auto parsed = toml::parse(text, path.string());
    if (parsed) return read_root(path.string(), parsed.table());
    const auto& error = parsed.error();
    return fail(ErrorCode::invalid_input, fmt::format("{}:{}: not TOML: {}", path.string(),
                                                      error.source().begin.line, error.description()));
}

void merge(Entry& into, const Entry& from) {
    for (const auto& [key, setting] : from.settings) into.settings.insert_or_assign(key, setting);
    into.place = from.place;
}

void merge(TypeFile& into, const TypeFile& from) {
    merge(into.defaults, from.defaults);
    for (const auto& [name, family] : from.families) {
        auto& target = into.families[name];
        merge(target.common, family.common);
        for (const auto& [size, entry] : family.sizes) merge(target.sizes[size], entry);
    }
}

}  // namespace lodge::catalogue
