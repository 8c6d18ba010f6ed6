// One SQLite connection as a Session. Internal to the driver. One thread at a time.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>

#include "db/driver/session.h"

namespace lodge::db {

class SqliteSession final : public Session {
  public:
    enum class Mode { read_write, read_only };
    static Result<std::unique_ptr<SqliteSession>> open(const std::filesystem::path& file, Mode mode);
    ~SqliteSession() override;
    SqliteSession(const SqliteSession&) = delete;
    SqliteSession& operator=(const SqliteSession&) = delete;

    std::int64_t execute_list(std::string_view sql, const Value* values, std::size_t count) override;
    void query_list(std::string_view sql, const Value* values, std::size_t count,
                    const std::function<void(const Row&)>& each) override;

    // Forgets the poison and the hooks, for the next request on this connection.
    void reset() {
        failed_ = false;
        undo_.clear();
        then_.clear();
    }
    void set_listener(const std::function<void(const std::string&)>* listener) { listener_ = listener; }
    // Whether a transaction is open; SQLite ends it by itself on some failures (a full disk).
    bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
    std::vector<std::function<void()>> take_undo() { return std::move(undo_); }
    std::vector<std::function<void()>> take_then() { return std::move(then_); }
    sqlite3* handle() { return handle_; }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };

    explicit SqliteSession(sqlite3* handle) : handle_(handle) {}
    sqlite3_stmt* prepare(std::string_view sql, const Value* values, std::size_t count);
    void fail_statement(std::string_view sql);

    sqlite3* handle_;
    std::unordered_map<std::string, sqlite3_stmt*, Hash, std::equal_to<>> statements_;
};

}  // namespace lodge::db
