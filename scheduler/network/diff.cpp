#include "scheduler/network/diff.h"

#include <set>

namespace lodge::network {
namespace {

// Insertions name their rows in the transaction by position: "new7".
class Transaction {
  public:
    Transaction(const Replica& replica, const Scope& scope, const Rows& wanted)
        : replica_(replica), scope_(scope), wanted_(wanted) {
        for (const auto& row : replica_.rows_of(scope_.id))
            own_.try_emplace(map_entry(row.columns->at("external_ids"), key_entry), row);
        for (const auto& row : wanted_) {
            tables_[row.key] = row.table;
            if (!fitting(row)) new_names_[row.key] = "new" + std::to_string(new_names_.size());
        }
    }

    Json run() {
        for (const auto& row : wanted_) {
            if (auto found = fitting(row)) {
                update(row, *found);
            } else {
                insert(row);
            }
        }
        remove_unwanted();
        return std::move(operations_);
    }

  private:
    // A row with that key: the scope's own before a copy that somebody made of it.
    std::optional<Replica::Found> known(const std::string& key) const {
        auto own = own_.find(key);
        return own == own_.end() ? replica_.find(key) : own->second;
    }

    // The row as it is, if it is in the table where it should be.
    std::optional<Replica::Found> fitting(const Row& row) const {
        auto found = known(row.key);
        if (found && *found->table != row.table) return std::nullopt;
        return found;
    }

    std::optional<Json> uuid_of(const std::string& key) const {
        auto fresh = new_names_.find(key);
        if (fresh != new_names_.end()) return Json::array({"named-uuid", fresh->second});
        auto found = known(key);
        if (found) return Json::array({"uuid", *found->uuid});
        return std::nullopt;
    }

    static bool is_reference(const Json& value) {
        return value.is_array() && value.size() == 2 && value[0] == "row";
    }

    // With UUIDs in the place of keys.
    Json resolved(const Json& value) const {
        if (is_reference(value)) {
            auto uuid = uuid_of(value[1]);
            return uuid ? *uuid : Json::array({"set", Json::array()});
        }
        if (!value.is_array() || value.size() != 2 || value[0] != "set") return value;
        Json items = Json::array();
        for (const auto& item : value[1]) {
            if (!is_reference(item)) {
                items.push_back(item);
            } else if (auto uuid = uuid_of(item[1])) {
                items.push_back(*uuid);
            }
        }
        return Json::array({"set", items});
    }

    Json external_ids(const Row& row) const {
        return map_of({{std::string(key_entry), row.key},
                       {std::string(scope_entry), scope_.id},
                       {std::string(owner_entry), scope_.owner},
                       {std::string(revision_entry), std::to_string(scope_.revision)}});
    }

    void insert(const Row& row) {
        Json columns = Json::object();
        for (const auto& [name, value] : row.columns) columns[name] = resolved(value);
        columns["external_ids"] = external_ids(row);
        operations_.push_back({{"op", "insert"},
                               {"table", row.table},
                               {"uuid-name", new_names_.at(row.key)},
                               {"row", columns}});
        if (row.parent.empty()) return;
        if (auto parent = uuid_of(row.parent)) mutate(row, *parent, "insert", *uuid_of(row.key));
    }

    void mutate(const Row& row, const Json& parent, const std::string& how, const Json& child) {
        operations_.push_back({{"op", "mutate"},
                               {"table", parent_table(row)},
                               {"where", Json::array({Json::array({"_uuid", "==", parent})})},
                               {"mutations", Json::array({Json::array({row.parent_column, how, child})})}});
    }

    std::string parent_table(const Row& row) const {
        if (auto wanted = tables_.find(row.parent); wanted != tables_.end()) return wanted->second;
        auto found = known(row.parent);
        return found ? *found->table : "";
    }

    void update(const Row& row, const Replica::Found& found) {
        Json changes = Json::object();
        for (const auto& [name, value] : row.columns) {
            auto now = resolved(value);
            auto before = found.columns->find(name);
            if (before == found.columns->end() || before->second != canonical(now))
                changes[name] = std::move(now);
        }
        attach(row, found);
        if (changes.empty()) return;
        changes["external_ids"] = external_ids(row);
        operations_.push_back(
            {{"op", "update"}, {"table", row.table}, {"where", where(*found.uuid)}, {"row", changes}});
    }

    // Puts a row back that its parent has lost, or whose parent is new.
    void attach(const Row& row, const Replica::Found& found) {
        if (row.parent.empty()) return;
        auto parent = known(row.parent);
        if (parent && !new_names_.count(row.parent) &&
            children(*parent, row.parent_column).count(*found.uuid))
            return;
        Json own = Json::array({"uuid", *found.uuid});
        if (auto uuid = uuid_of(row.parent)) mutate(row, *uuid, "insert", own);
    }

    // UUIDs in a parent's column, taken apart once: a switch may have thousands of ports.
    const std::set<std::string>& children(const Replica::Found& parent, const std::string& column) {
        auto [known, fresh] = children_.try_emplace({*parent.uuid, column});
        if (!fresh) return known->second;
        auto value = parent.columns->find(column);
        if (value == parent.columns->end() || !value->second.is_array()) return known->second;
        const auto& items = value->second;
        if (items[0] == "uuid") known->second.insert(items[1]);
        if (items[0] == "set")
            for (const auto& item : items[1]) known->second.insert(item[1]);
        return known->second;
    }

    static bool holds(const Replica::Found& parent, const std::string& column, const Json& child) {
        auto value = parent.columns->find(column);
        if (value == parent.columns->end()) return false;
        if (value->second == child) return true;
        const auto& set = value->second;
        if (!set.is_array() || set.size() != 2 || set[0] != "set") return false;
        for (const auto& item : set[1])
            if (item == child) return true;
        return false;
    }

    static Json where(const std::string& uuid) {
        return Json::array({Json::array({"_uuid", "==", Json::array({"uuid", uuid})})});
    }

    // Also what somebody has copied: one row has a key.
    void remove_unwanted() {
        std::set<std::string> kept;
        for (const auto& row : wanted_)
            if (auto found = fitting(row)) kept.insert(*found->uuid);
        for (const auto& found : replica_.rows_of(scope_.id))
            if (!kept.count(*found.uuid)) remove(found);
    }

    // First out of its parent's column.
    void remove(const Replica::Found& row) {
        detach(row);
        operations_.push_back({{"op", "delete"}, {"table", *row.table}, {"where", where(*row.uuid)}});
    }

    void detach(const Replica::Found& child) {
        static const std::map<std::string, std::vector<std::pair<std::string, std::string>>> holders = {
            {"Logical_Switch_Port", {{"Logical_Switch", "ports"}}},
            {"Logical_Router_Port", {{"Logical_Router", "ports"}}},
            {"Logical_Router_Static_Route", {{"Logical_Router", "static_routes"}}},
            {"Logical_Router_Policy", {{"Logical_Router", "policies"}}},
            {"NAT", {{"Logical_Router", "nat"}}},
            {"ACL", {{"Port_Group", "acls"}}},
            {"HA_Chassis", {{"HA_Chassis_Group", "ha_chassis"}}}};
        auto found = holders.find(*child.table);
        if (found == holders.end()) return;
        Json own = Json::array({"uuid", *child.uuid});
        for (const auto& [table, column] : found->second)
            for (const auto& [uuid, columns] : replica_.rows(table))
                if (holds({&uuid, &table, &columns}, column, own))
                    operations_.push_back(
                        {{"op", "mutate"},
                         {"table", table},
                         {"where", where(uuid)},
                         {"mutations", Json::array({Json::array({column, "delete", own})})}});
    }

    const Replica& replica_;
    const Scope& scope_;
    const Rows& wanted_;
    std::map<std::string, Replica::Found> own_;  // by key
    std::map<std::string, std::string> new_names_;
    std::map<std::string, std::string> tables_;  // of wanted rows, by key
    std::map<std::pair<std::string, std::string>, std::set<std::string>> children_;
    Json operations_ = Json::array();
};

}  // namespace

Json operations(const Replica& replica, const Scope& scope, const Rows& wanted) {
    return Transaction(replica, scope, wanted).run();
}

}  // namespace lodge::network
