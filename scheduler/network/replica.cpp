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
                take(table, uuid);
                continue;
            }
            Columns columns;
            for (const auto& [name, value] : fresh->items()) columns[name] = canonical(value);
            put(table, uuid, std::move(columns));
        }
    }
}

namespace {

// Takes `place` out of the places under `name`, and an empty name with it.
template <class Places, class Place>
void take_out(Places& places, const std::string& name, const Place& place) {
    auto found = places.find(name);
    if (found == places.end()) return;
    found->second.erase(place);
    if (found->second.empty()) places.erase(found);
}

}  // namespace

std::optional<Replica::Columns> Replica::take(const std::string& table, const std::string& uuid) {
    auto& rows = tables_[table];
    auto row = rows.find(uuid);
    if (row == rows.end()) return std::nullopt;
    auto ids = row->second.find("external_ids");
    if (ids != row->second.end()) {
        take_out(by_key_, map_entry(ids->second, key_entry), Place{table, uuid});
        take_out(by_scope_, map_entry(ids->second, scope_entry), Place{table, uuid});
    }
    auto taken = std::move(row->second);
    rows.erase(row);
    return taken;
}

Replica::Columns* Replica::edit(const std::string& table, const std::string& uuid) {
    auto& rows = tables_[table];
    auto row = rows.find(uuid);
    return row == rows.end() ? nullptr : &row->second;
}

void Replica::put(const std::string& table, const std::string& uuid, Columns columns) {
    take(table, uuid);
    auto ids = columns.find("external_ids");
    if (ids != columns.end()) {
        auto key = map_entry(ids->second, key_entry);
        if (!key.empty()) {
            by_key_[key].insert({table, uuid});
            by_scope_[map_entry(ids->second, scope_entry)].insert({table, uuid});
        }
    }
    tables_[table][uuid] = std::move(columns);
}

Replica::Found Replica::found(const Place& place) const {
    return {&place.uuid, &place.table, &tables_.at(place.table).at(place.uuid)};
}

std::optional<Replica::Found> Replica::find(const std::string& key) const {
    auto places = by_key_.find(key);
    if (places == by_key_.end()) return std::nullopt;
    return found(*places->second.begin());
}

std::vector<Replica::Found> Replica::rows_of(const std::string& scope) const {
    std::vector<Found> rows;
    auto places = by_scope_.find(scope);
    if (places == by_scope_.end()) return rows;
    for (const auto& place : places->second) rows.push_back(found(place));
    return rows;
}

std::vector<std::string> Replica::scopes() const {
    std::vector<std::string> scopes;
    for (const auto& [scope, places] : by_scope_) scopes.push_back(scope);
    return scopes;
}

const std::map<std::string, Replica::Columns>& Replica::rows(const std::string& table) const {
    static const std::map<std::string, Columns> none;
    auto found = tables_.find(table);
    return found == tables_.end() ? none : found->second;
}

}  // namespace lodge::network
