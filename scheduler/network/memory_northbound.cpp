#include "scheduler/network/memory_northbound.h"

#include <algorithm>

namespace lodge::network {
namespace {

// The elements of a set column, however it is written.
std::vector<Json> elements(const Json& value) {
    auto set = canonical(value);
    if (set.is_array() && set.size() == 2 && set[0] == "set") return {set[1].begin(), set[1].end()};
    return {set};
}

// Named UUIDs as the UUIDs they stand for; false for a name that the transaction has not made.
bool resolve(Json& value, const std::map<std::string, std::string>& names) {
    if (!value.is_array()) return true;
    if (value.size() == 2 && value[0] == "named-uuid") {
        auto found = names.find(value[1]);
        if (found == names.end()) return false;
        value = Json::array({"uuid", found->second});
        return true;
    }
    return std::all_of(value.begin(), value.end(), [&](Json& item) { return resolve(item, names); });
}

}  // namespace

MemoryNorthbound::MemoryNorthbound(Random& random) : random_(random) {
    Json initial = {{"nb_cfg", 0}};
    tables_["NB_Global"]["00000000-0000-0000-0000-000000000000"] = initial;
    replica_.apply({{"NB_Global", {{"00000000-0000-0000-0000-000000000000", {{"new", initial}}}}}});
}

bool MemoryNorthbound::read(const std::function<void(const Replica&)>& look) {
    std::lock_guard lock(mutex_);
    if (!problem_.empty()) return false;
    look(replica_);
    return true;
}

Status MemoryNorthbound::transact(const Json& operations) {
    std::lock_guard lock(mutex_);
    if (!problem_.empty()) return fail(ErrorCode::service_unavailable, problem_);
    auto before = tables_;
    std::map<std::string, std::string> names;
    Json updates = Json::object();
    for (const auto& operation : operations)  // a name may be used before its insertion
        if (operation.value("op", "") == "insert") {
            auto hex = random_.hex(32);
            auto& uuid = names[operation.value("uuid-name", "")];
            if (!uuid.empty()) return fail(ErrorCode::internal_error, "duplicate uuid-name");
            uuid = hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
                   hex.substr(16, 4) + "-" + hex.substr(20);
        }
    for (const auto& operation : operations) {
        if (auto done = run(operation, names, updates); !done) {
            tables_ = std::move(before);
            return done;
        }
    }
    replica_.apply(updates);
    return {};
}

Json* MemoryNorthbound::row_at(const std::string& table, const Json& where,
                               const std::map<std::string, std::string>& names) {
    if (where.empty()) return tables_[table].empty() ? nullptr : &tables_[table].begin()->second;
    Json uuid = where[0][2];
    if (!resolve(uuid, names)) return nullptr;
    auto found = tables_[table].find(uuid[1]);
    return found == tables_[table].end() ? nullptr : &found->second;
}

Status MemoryNorthbound::run(const Json& operation, std::map<std::string, std::string>& names,
                             Json& updates) {
    std::string op = operation.value("op", "");
    std::string table = operation.value("table", "");
    if (op == "insert") {
        auto uuid = names[operation.value("uuid-name", "")];
        auto& row = tables_[table][uuid] = operation["row"];
        for (auto& [name, value] : row.items())
            if (!resolve(value, names)) return fail(ErrorCode::internal_error);
        updates[table][uuid] = {{"new", row}};
        return {};
    }
    auto* row = row_at(table, operation["where"], names);
    if (!row) return {};  // as in OVSDB: no row, nothing to do
    auto uuid = std::find_if(tables_[table].begin(), tables_[table].end(), [&](const auto& each) {
                    return &each.second == row;
                })->first;
    if (op == "delete") {
        tables_[table].erase(uuid);
        updates[table][uuid] = {{"old", Json::object()}};
        return {};
    }
    if (op == "update") {
        for (const auto& [name, value] : operation["row"].items()) {
            Json fresh = value;
            if (!resolve(fresh, names)) return fail(ErrorCode::internal_error);
            (*row)[name] = fresh;
        }
    } else if (op == "mutate") {
        for (const auto& mutation : operation["mutations"]) {
            Json value = mutation[2];
            if (!resolve(value, names)) return fail(ErrorCode::internal_error);
            auto& column = (*row)[mutation[0].get<std::string>()];
            if (mutation[1] == "+=") {
                column = column.get<std::int64_t>() + value.get<std::int64_t>();
                continue;
            }
            auto items = column.is_null() ? std::vector<Json>() : elements(column);
            std::erase(items, value);
            if (mutation[1] == "insert") items.push_back(value);
            column = set_of(items);
        }
    } else {
        return fail(ErrorCode::internal_error);
    }
    updates[table][uuid] = {{"new", *row}};
    return {};
}

std::optional<std::int64_t> MemoryNorthbound::followed(const Counts&) {
    std::lock_guard lock(mutex_);
    if (!problem_.empty()) return std::nullopt;
    return global_count(replica_, "nb_cfg");
}

void MemoryNorthbound::on_change(std::function<void()> call) {
    std::lock_guard lock(mutex_);
    changed_ = std::move(call);
}

std::string MemoryNorthbound::problem() const {
    std::lock_guard lock(mutex_);
    return problem_;
}

void MemoryNorthbound::set_problem(std::string problem) {
    std::function<void()> call;
    {
        std::lock_guard lock(mutex_);
        problem_ = std::move(problem);
        if (problem_.empty()) call = changed_;
    }
    if (call) call();
}

}  // namespace lodge::network
