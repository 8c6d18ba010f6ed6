#include "scheduler/network/replica.h"

namespace lodge::network {

std::string map_entry(const Json& map, std::string_view name) {
    if (!map.is_array() || map.size() != 2 || !map[1].is_array()) return "";
    for (const auto& pair : map[1])
        if (pair.is_array() && pair.size() == 2 && pair[0] == name && pair[1].is_string()) return pair[1];
    return "";
}

void Replica::clear() {
    tables_.clear();
    by_key_.clear();
    by_scope_.clear();
}

void Replica::apply(const Json& table_updates) {
    if (!table_updates.is_object()) return;
    for (const auto& [table, rows] : table_updates.items()) {
        for (const auto& [uuid, change] : rows.items()) {
            auto fresh = change.find("new");
            if (fresh == change.end()) {
                forget(table, uuid);
                continue;
            }
            Columns columns;
            for (const auto& [name, value] : fresh->items()) columns[name] = canonical(value);
            remember(table, uuid, std::move(columns));
        }
    }
}

void Replica::forget(const std::string& table, const std::string& uuid) {
    auto& rows = tables_[table];
    auto found = rows.find(uuid);
    if (found == rows.end()) return;
    auto ids = found->second.find("external_ids");
    if (ids != found->second.end()) {
        auto key = map_entry(ids->second, key_entry);
        auto place = by_key_.find(key);
        if (place != by_key_.end() && place->second.uuid == uuid) {
            by_key_.erase(place);
            by_scope_[map_entry(ids->second, scope_entry)].erase(key);
        }
    }
    rows.erase(found);
}

void Replica::remember(const std::string& table, const std::string& uuid, Columns columns) {
    forget(table, uuid);
    auto ids = columns.find("external_ids");
    if (ids != columns.end()) {
        auto key = map_entry(ids->second, key_entry);
        if (!key.empty()) {
            by_key_[key] = {table, uuid};
            by_scope_[map_entry(ids->second, scope_entry)][key] = true;
        }
    }
    tables_[table][uuid] = std::move(columns);
}

std::optional<Replica::Found> Replica::find(const std::string& key) const {
    auto place = by_key_.find(key);
    if (place == by_key_.end()) return std::nullopt;
    const auto& rows = tables_.at(place->second.table);
    return Found{&place->second.uuid, &place->second.table, &rows.at(place->second.uuid)};
}

std::vector<std::string> Replica::keys_of(const std::string& scope) const {
    std::vector<std::string> keys;
    auto found = by_scope_.find(scope);
    if (found == by_scope_.end()) return keys;
    for (const auto& [key, there] : found->second) keys.push_back(key);
    return keys;
}

std::vector<std::string> Replica::scopes() const {
    std::vector<std::string> scopes;
    for (const auto& [scope, keys] : by_scope_)
        if (!keys.empty()) scopes.push_back(scope);
    return scopes;
}

const std::map<std::string, Replica::Columns>& Replica::rows(const std::string& table) const {
    static const std::map<std::string, Columns> none;
    auto found = tables_.find(table);
    return found == tables_.end() ? none : found->second;
}

}  // namespace lodge::network
