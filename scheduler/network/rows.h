// Rows of OVN's Northbound database as they should be. Values are in OVSDB's JSON notation (RFC 7047,
// section 5.1).
#pragma once

#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lodge::network {

using Json = nlohmann::json;

// A row of ours, known by a key that no other row has: kept in its external_ids, where the reconciler finds
// it again.
struct Row {
    std::string table;
    std::string key;
    std::map<std::string, Json> columns;
    // The row whose column `parent_column` holds this one; empty for tables whose rows stand by themselves.
    std::string parent;
    std::string parent_column;
};

using Rows = std::vector<Row>;

// In a column: another of our rows, by its key. The reconciler puts the UUID in its place.
inline Json reference(std::string_view key) {
    return Json::array({"row", key});
}

inline Json set_of(const std::vector<Json>& items) {
    return Json::array({"set", Json(items)});
}

inline Json map_of(const std::map<std::string, std::string>& pairs) {
    Json items = Json::array();
    for (const auto& [key, value] : pairs) items.push_back(Json::array({key, value}));
    return Json::array({"map", items});
}

// The same value in one way of writing: sets and maps sorted, a set of one as its element.
Json canonical(const Json& value);

}  // namespace lodge::network
