// A table whose rows are plain records: what a store file says once, as a list of columns, to read and write
// them.
//
//     const Records<Vpc> table("vpcs", {field("id", &Vpc::id), field("cidr", &Vpc::cidr), …});
//
// The first `key_columns` columns are the primary key. Conditions are SQL with its `?`s, and stay inside db/.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "db/driver/session.h"
#include "proto/base/ids.h"
#include "proto/model/enum_text.h"

namespace lodge::db {

template <class R>
struct Column {
    std::string_view name;
    std::function<Value(const R&)> get;  // views into the record
    std::function<void(R&, const Row&, int)> set;
};

template <class R, class T>
Column<R> field(std::string_view name, T R::*member) {
    if constexpr (std::is_same_v<T, std::string>) {
        return {name, [member](const R& record) -> Value { return std::string_view(record.*member); },
                [member](R& record, const Row& row, int at) { record.*member = row.text(at); }};
    } else if constexpr (std::is_integral_v<T>) {
        return {name,
                [member](const R& record) -> Value { return static_cast<std::int64_t>(record.*member); },
                [member](R& record, const Row& row, int at) {
                    record.*member = static_cast<T>(row.integer(at));
                }};
    } else if constexpr (std::is_enum_v<T>) {
        return {name, [member](const R& record) -> Value { return to_text(record.*member); },
                [member](R& record, const Row& row, int at) {
                    if (auto value = from_text<T>(row.text(at))) record.*member = *value;
                }};
    } else {
        return {name, [member](const R& record) -> Value { return std::string_view((record.*member).str()); },
                [member](R& record, const Row& row, int at) {
                    record.*member = T::trusted(std::string(row.text(at)));
                }};
    }
}

// The same for a record's part: field("a_id", &Peering::a, &Side::id).
template <class R, class P, class T>
Column<R> field(std::string_view name, P R::*part, T P::*member) {
    auto inner = field<P, T>(name, member);
    return {name, [part, get = inner.get](const R& record) { return get(record.*part); },
            [part, set = inner.set](R& record, const Row& row, int at) { set(record.*part, row, at); }};
}

template <class R>
class Records {
  public:
    Records(std::string_view table, std::vector<Column<R>> columns, std::size_t key_columns = 1)
        : columns_(std::move(columns)) {
        std::string names;
        std::string marks;
        std::string changes;
        std::string keys;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            std::string name(columns_[i].name);
            names += (i ? ", " : "") + name;
            marks += i ? ", ?" : "?";
            if (i < key_columns) {
                keys += (i ? " AND " : "") + name + " = ?";
            } else {
                changes += (i > key_columns ? ", " : "") + name + " = ?";
            }
        }
        std::string of(table);
        select_ = "SELECT " + names + " FROM " + of + " WHERE ";
        insert_ = "INSERT INTO " + of + " (" + names + ") VALUES (" + marks + ")";
        update_ = "UPDATE " + of + " SET " + changes + " WHERE " + keys;
        erase_ = "DELETE FROM " + of + " WHERE ";
        key_columns_ = key_columns;
    }

    void insert(Session& session, const R& record) const {
        auto values = values_of(record);
        session.execute_list(insert_, values.data(), values.size());
    }

    // Writes all columns of the row with the record's key.
    void update(Session& session, const R& record) const {
        auto values = values_of(record);
        std::rotate(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(key_columns_), values.end());
        session.execute_list(update_, values.data(), values.size());
    }

    std::int64_t erase(Session& session, std::string_view condition,
                       std::initializer_list<Value> values) const {
        return session.execute(erase_ + std::string(condition), values);
    }

    std::vector<R> all(Session& session, std::string_view condition,
                       std::initializer_list<Value> values) const {
        std::vector<R> found;
        session.query(select_ + std::string(condition), values,
                      [&](const Row& row) { read(found.emplace_back(), row); });
        return found;
    }

    // The only, or the last, that fits.
    std::optional<R> one(Session& session, std::string_view condition,
                         std::initializer_list<Value> values) const {
        std::optional<R> found;
        session.query(select_ + std::string(condition), values,
                      [&](const Row& row) { read(found.emplace(), row); });
        return found;
    }

    // For tables with the columns id, account_id and region.
    std::optional<R> find(Session& session, const AccountId& account_id, std::string_view region,
                          std::string_view id) const {
        return one(session, "id = ? AND account_id = ? AND region = ?", {id, account_id, region});
    }
    std::optional<R> find_any(Session& session, std::string_view id) const {
        return one(session, "id = ?", {id});
    }
    // By ID, from behind `after`; at most `limit`.
    std::vector<R> list(Session& session, const AccountId& account_id, std::string_view region,
                        std::string_view after, std::int64_t limit) const {
        return all(session, "account_id = ? AND region = ? AND id > ? ORDER BY id LIMIT ?",
                   {account_id, region, after, limit});
    }
    void erase_id(Session& session, std::string_view id) const { erase(session, "id = ?", {id}); }

    // For joins: "g.id, g.host_id, …", and what reads them, the first of them being column `first`.
    std::string columns(std::string_view alias) const {
        std::string names;
        for (const auto& column : columns_)
            names.append(names.empty() ? "" : ", ").append(alias).append(".").append(column.name);
        return names;
    }
    void read(R& record, const Row& row, int first = 0) const {
        for (const auto& column : columns_) column.set(record, row, first++);
    }
    int size() const { return static_cast<int>(columns_.size()); }

  private:
    std::vector<Value> values_of(const R& record) const {
        std::vector<Value> values;
        values.reserve(columns_.size());
        for (const auto& column : columns_) values.push_back(column.get(record));
        return values;
    }

    std::vector<Column<R>> columns_;
    std::size_t key_columns_;
    std::string select_;
    std::string insert_;
    std::string update_;
    std::string erase_;
};

}  // namespace lodge::db
