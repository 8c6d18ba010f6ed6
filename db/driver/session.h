// The seam between stores and a database engine: statements inside one transaction.
// A second engine (PostgreSQL) is a second implementation of Session and Database; stores do not change.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/base/result.h"

namespace lodge::db {

struct Blob {
    std::string_view bytes;
};

// A parameter of a statement; views must outlive the call.
using Value = std::variant<std::int64_t, std::string_view, Blob>;

// The row under the cursor; views are good until the next row. Columns count from 0.
class Row {
  public:
    virtual ~Row() = default;
    virtual std::int64_t integer(int column) const = 0;
    virtual std::string_view text(int column) const = 0;  // also of blobs
};

// Statements in one transaction, on one thread.
// A session whose statement failed is poisoned: later statements do nothing, queries find nothing, and
// whoever runs the transaction rolls it back and answers InternalError. So stores return plain values and
// carry no error paths.
class Session {
  public:
    virtual ~Session() = default;

    // Runs one statement with its `?` filled in order; returns how many rows it changed.
    std::int64_t execute(std::string_view sql, std::initializer_list<Value> values = {}) {
        return execute_list(sql, values.begin(), values.size());
    }
    void query(std::string_view sql, std::initializer_list<Value> values,
               const std::function<void(const Row&)>& each) {
        query_list(sql, values.begin(), values.size(), each);
    }
    virtual std::int64_t execute_list(std::string_view sql, const Value* values, std::size_t count) = 0;
    virtual void query_list(std::string_view sql, const Value* values, std::size_t count,
                            const std::function<void(const Row&)>& each) = 0;

    bool failed() const { return failed_; }
    void poison() { failed_ = true; }

    // Runs `undo` if what this request did is not committed after all (latest first): for memory kept beside
    // the rows.
    void on_rollback(std::function<void()> undo) { undo_.push_back(std::move(undo)); }
    // Runs `then` once the commit is durable: for waking those who wait for the change.
    void after_commit(std::function<void()> then) { then_.push_back(std::move(then)); }
    // Tells Database::on_announcement() of a resource, once the commit is durable.
    void announce(const std::string& id) {
        if (!listener_) return;
        after_commit([listener = listener_, id] {
            if (*listener) (*listener)(id);
        });
    }

  protected:
    bool failed_ = false;
    const std::function<void(const std::string&)>* listener_ = nullptr;
    std::vector<std::function<void()>> undo_;
    std::vector<std::function<void()>> then_;
};

}  // namespace lodge::db
