#include "db/driver/sqlite_session.h"

#include <spdlog/spdlog.h>

namespace lodge::db {
namespace {

class SqliteRow final : public Row {
  public:
    explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
    std::int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
    std::string_view text(int column) const override {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
        return {bytes ? bytes : "", static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
    }

  private:
    sqlite3_stmt* statement_;
};

// Makes the statement ready for its next use, also when what reads its rows throws.
struct Finish {
    sqlite3_stmt* statement;
    ~Finish() {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
};

int bind(sqlite3_stmt* statement, int at, const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value))
        return sqlite3_bind_int64(statement, at, *number);
    if (const auto* text = std::get_if<std::string_view>(&value)) {
        const char* bytes = text->data() ? text->data() : "";
        return sqlite3_bind_text64(statement, at, bytes, text->size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    auto bytes = std::get<Blob>(value).bytes;
    return sqlite3_bind_blob64(statement, at, bytes.data() ? bytes.data() : "", bytes.size(), SQLITE_STATIC);
}

constexpr const char* pragmas(SqliteSession::Mode mode) {
    if (mode == SqliteSession::Mode::read_only) return "PRAGMA query_only=ON; PRAGMA busy_timeout=5000;";
    return "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA "
           "busy_timeout=5000;";
}

std::string journal_mode(sqlite3* handle) {
    std::string mode;
    auto keep = [](void* out, int, char** texts, char**) {
        *static_cast<std::string*>(out) = texts[0];
        return 0;
    };
    sqlite3_exec(handle, "PRAGMA journal_mode", keep, &mode, nullptr);
    return mode;
}

}  // namespace

Result<std::unique_ptr<SqliteSession>> SqliteSession::open(const std::filesystem::path& file, Mode mode) {
    sqlite3* handle = nullptr;
    int flags = SQLITE_OPEN_NOMUTEX |
                (mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    int code = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
    std::unique_ptr<SqliteSession> session(new SqliteSession(handle));
    if (code == SQLITE_OK) code = sqlite3_exec(handle, pragmas(mode), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
        return fail(ErrorCode::io_failure,
                    "cannot open the database " + file.string() + ": " + sqlite3_errmsg(handle));
    // Where the file system cannot share memory, SQLite stays with another mode and says nothing.
    if (auto found = journal_mode(handle); mode == Mode::read_write && found != "wal")
        return fail(ErrorCode::io_failure, "cannot open the database " + file.string() +
                                               ": SQLite cannot keep a write-ahead log there (it says " +
                                               found + "); use a local file system");
    return session;
}

SqliteSession::~SqliteSession() {
    for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    sqlite3_close(handle_);
}

void SqliteSession::fail_statement(std::string_view sql) {
    spdlog::error("database: {} in: {}", sqlite3_errmsg(handle_), sql.substr(0, 200));
    failed_ = true;
}

sqlite3_stmt* SqliteSession::prepare(std::string_view sql, const Value* values, std::size_t count) {
    auto found = statements_.find(sql);
    if (found == statements_.end()) {
        sqlite3_stmt* made = nullptr;
        if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                               &made, nullptr) != SQLITE_OK) {
            fail_statement(sql);
            return nullptr;
        }
        found = statements_.emplace(std::string(sql), made).first;
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (bind(found->second, static_cast<int>(i) + 1, values[i]) == SQLITE_OK) continue;
        fail_statement(sql);
        return nullptr;
    }
    return found->second;
}

std::int64_t SqliteSession::execute_list(std::string_view sql, const Value* values, std::size_t count) {
    if (failed_) return 0;
    auto* statement = prepare(sql, values, count);
    if (!statement) return 0;
    Finish finish{statement};
    int code = sqlite3_step(statement);
    if (code != SQLITE_DONE && code != SQLITE_ROW) fail_statement(sql);
    return failed_ ? 0 : sqlite3_changes64(handle_);
}

void SqliteSession::query_list(std::string_view sql, const Value* values, std::size_t count,
                               const std::function<void(const Row&)>& each) {
    if (failed_) return;
    auto* statement = prepare(sql, values, count);
    if (!statement) return;
    Finish finish{statement};
    SqliteRow row(statement);
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) each(row);
    if (code != SQLITE_DONE) fail_statement(sql);
}

}  // namespace lodge::db
