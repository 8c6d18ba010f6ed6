#include "scheduler/network/memory_northbound.h"

#include <algorithm>

namespace lodge::network {
namespace {

constexpr const char* global_row = "00000000-0000-0000-0000-000000000000";

// Puts `element` into a set column in canonical notation, or takes it out; false if it was as wanted before.
// Sets of thousands change by one element, so they are not written anew.
bool change_set(Json& column, const Json& element, bool put_in) {
    const bool is_set = column.is_array() && column.size() == 2 && column[0] == "set";
    if (!is_set) {
        const bool is_there = column == element;
        if (is_there == put_in) return false;
        column = put_in && !column.is_null() ? canonical(set_of({column, element}))
                 : put_in                    ? element
                                             : set_of({});
        return true;
    }
    auto& items = column[1].get_ref<Json::array_t&>();
    auto at = std::lower_bound(items.begin(), items.end(), element);
    const bool is_there = at != items.end() && *at == element;
    if (is_there == put_in) return false;
    if (put_in) {
        items.insert(at, element);
    } else {
        items.erase(at);
    }
    if (items.size() == 1) column = Json(items.front());
    return true;
}

}  // namespace

// All or nothing: what was done is undone unless keep() is reached.
class MemoryNorthbound::Transaction {
  public:
    Transaction(Replica& replica, Random& random) : replica_(replica), random_(random) {}
    ~Transaction() {
        for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    Status run(const Json& operations) {
        for (const auto& operation : operations)  // a name may be used before its insertion
            if (operation.value("op", "") == "insert") LODGE_CHECK(name(operation.value("uuid-name", "")));
        for (const auto& operation : operations) LODGE_CHECK(run_one(operation));
        return {};
    }
    void keep() { undo_.clear(); }

  private:
    Status name(const std::string& name) {
        auto& uuid = names_[name];
        if (!uuid.empty()) return fail(ErrorCode::internal_error, "duplicate uuid-name");
        uuid = random_.uuid();
        return {};
    }

    Status run_one(const Json& operation) {
        const std::string op = operation.value("op", "");
        const std::string table = operation.value("table", "");
        if (op == "insert") return insert(table, operation);
        auto uuid = uuid_of(table, operation["where"]);
        auto* row = uuid ? replica_.edit(table, *uuid) : nullptr;
        if (!row) return {};  // as in OVSDB: no row, nothing to do
        if (op == "delete") {
            undo_.emplace_back([this, table, id = *uuid, taken = replica_.take(table, *uuid)] {
                replica_.put(table, id, *taken);
            });
            return {};
        }
        if (op == "update") return update(table, *uuid, *row, operation["row"]);
        if (op != "mutate") return fail(ErrorCode::internal_error);
        for (const auto& mutation : operation["mutations"]) LODGE_CHECK(mutate(table, *uuid, mutation));
        return {};
    }

    Status insert(const std::string& table, const Json& operation) {
        const auto& uuid = names_[operation.value("uuid-name", "")];
        Replica::Columns row;
        for (const auto& [name, value] : operation["row"].items()) {
            LODGE_TRY(row[name], resolved(value));
        }
        replica_.put(table, uuid, std::move(row));
        undo_.emplace_back([this, table, uuid] { replica_.take(table, uuid); });
        return {};
    }

    Status update(const std::string& table, const std::string& uuid, const Replica::Columns& row,
                  const Json& changes) {
        auto changed = row;
        for (const auto& [name, value] : changes.items()) {
            LODGE_TRY(changed[name], resolved(value));
        }
        undo_.emplace_back([this, table, uuid, row] { replica_.put(table, uuid, row); });
        replica_.put(table, uuid, std::move(changed));
        return {};
    }

    Status mutate(const std::string& table, const std::string& uuid, const Json& mutation) {
        LODGE_TRY(auto value, resolved(mutation[2]));
        const std::string column = mutation[0];
        auto changed = [this, table, uuid, column]() -> Json& {
            return (*replica_.edit(table, uuid))[column];
        };
        if (mutation[1] == "+=") {
            const auto before = changed().get<std::int64_t>();
            changed() = before + value.get<std::int64_t>();
            undo_.emplace_back([changed, before] { changed() = before; });
            return {};
        }
        if (!replica_.edit(table, uuid)->contains(column))
            undo_.emplace_back([this, table, uuid, column] { replica_.edit(table, uuid)->erase(column); });
        const bool put_in = mutation[1] == "insert";
        if (change_set(changed(), value, put_in))
            undo_.emplace_back([changed, value, put_in] { change_set(changed(), value, !put_in); });
        return {};
    }

    // Of the row that a condition names; the only one of the table without a condition.
    std::optional<std::string> uuid_of(const std::string& table, const Json& where) const {
        if (where.empty()) {
            const auto& rows = replica_.rows(table);
            return rows.empty() ? std::nullopt : std::optional(rows.begin()->first);
        }
        auto uuid = resolved(where[0][2]);
        return uuid ? std::optional((*uuid)[1].get<std::string>()) : std::nullopt;
    }

    // In canonical notation, with UUIDs in the place of names; an error for a name that nothing was given.
    Result<Json> resolved(Json value) const {
        if (!resolve(value)) return fail(ErrorCode::internal_error);
        return canonical(value);
    }
    bool resolve(Json& value) const {
        if (!value.is_array()) return true;
        if (value.size() == 2 && value[0] == "named-uuid") {
            auto found = names_.find(value[1]);
            if (found == names_.end()) return false;
            value = Json::array({"uuid", found->second});
            return true;
        }
        return std::all_of(value.begin(), value.end(), [&](Json& item) { return resolve(item); });
    }

    Replica& replica_;
    Random& random_;
    std::map<std::string, std::string, std::less<>> names_;
    std::vector<std::function<void()>> undo_;
};

MemoryNorthbound::MemoryNorthbound(Random& random) : random_(random) {
    replica_.put("NB_Global", global_row, {{"nb_cfg", 0}});
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
    Transaction transaction(replica_, random_);
    LODGE_CHECK(transaction.run(operations));
    transaction.keep();
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
