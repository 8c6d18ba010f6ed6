#include "db/driver/sqlite.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <semaphore>
#include <thread>

#include "db/driver/sqlite_session.h"

namespace lodge::db {
namespace {

// One request's change, waiting on its caller's stack until the commit.
struct Pending {
    explicit Pending(const std::function<bool(Session&)>& wanted) : change(wanted) {}
    const std::function<bool(Session&)>& change;
    bool committed = false;
    std::vector<std::function<void()>> undo;
    std::vector<std::function<void()>> then;
    std::binary_semaphore done{0};
};

void run_undo(Pending& pending) {
    for (auto undo = pending.undo.rbegin(); undo != pending.undo.rend(); ++undo) (*undo)();
    pending.undo.clear();
    pending.then.clear();
    pending.committed = false;
}

class SqliteDatabase final : public Database {
  public:
    SqliteDatabase(std::filesystem::path file, SqliteOptions options, int lock,
                   std::unique_ptr<SqliteSession> writer)
        : file_(std::move(file)), options_(options), lock_(lock), writer_session_(std::move(writer)) {
        writer_ = std::thread([this] { run_writer(); });
    }

    ~SqliteDatabase() override {
        {
            std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        writer_.join();
        readers_.clear();
        writer_session_.reset();
        ::close(lock_);
    }

    void on_announcement(std::function<void(const std::string&)> listener) override;
    std::int64_t version() const override { return version_; }
    Status backup(const std::filesystem::path& to) override;

  protected:
    bool run_write(const std::function<bool(Session&)>& change, Error& failure) override;
    bool run_read(const std::function<void(Session&)>& look) override;

  private:
    void run_writer();
    void run_batch(std::vector<Pending*>& batch);
    bool run_one(Pending& pending);
    std::unique_ptr<SqliteSession> take_reader();
    void give_reader(std::unique_ptr<SqliteSession> reader);

    const std::filesystem::path file_;
    const SqliteOptions options_;
    const int lock_;
    std::unique_ptr<SqliteSession> writer_session_;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Pending*> queue_;
    bool stopping_ = false;

    std::atomic<std::int64_t> version_ = 0;

    std::mutex readers_mutex_;
    std::condition_variable reader_free_;
    std::vector<std::unique_ptr<SqliteSession>> readers_;
    std::size_t readers_made_ = 0;
    std::function<void(const std::string&)> listener_;  // the writer thread's
    std::thread writer_;
};

// On the writer thread, between two commits, so that the old one is not in use.
void SqliteDatabase::on_announcement(std::function<void(const std::string&)> listener) {
    auto set = [&](Session&) {
        listener_ = std::move(listener);
        writer_session_->set_listener(&listener_);
        return true;
    };
    Error ignored = make_error(ErrorCode::internal_error);
    run_write(set, ignored);
}

bool SqliteDatabase::run_write(const std::function<bool(Session&)>& change, Error& failure) {
    Pending pending{change};
    {
        std::lock_guard lock(mutex_);
        if (stopping_) {
            failure = make_error(ErrorCode::service_unavailable, {"The service is stopping."});
            return false;
        }
        queue_.push_back(&pending);
    }
    wake_.notify_one();
    pending.done.acquire();
    return pending.committed;
}

void SqliteDatabase::run_writer() {
    std::vector<Pending*> batch;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            while (!queue_.empty() && batch.size() < options_.max_batch) {
                batch.push_back(queue_.front());
                queue_.pop_front();
            }
        }
        run_batch(batch);
        for (auto* pending : batch) pending->done.release();
        batch.clear();
    }
}

// Runs one change in a savepoint of its own. False when the whole transaction is lost.
bool SqliteDatabase::run_one(Pending& pending) {
    auto& session = *writer_session_;
    session.reset();
    session.execute("SAVEPOINT request");
    bool wanted = false;
    try {
        wanted = pending.change(session) && !session.failed();
    } catch (const std::exception& error) {  // out of memory: the request's failure, not the process's
        spdlog::error("database: a change threw: {}", error.what());
    }
    pending.undo = session.take_undo();
    pending.then = session.take_then();
    session.reset();
    if (!session.in_transaction()) return false;
    if (wanted) {
        session.execute("RELEASE request");
        pending.committed = !session.failed();
        return pending.committed;
    }
    session.execute("ROLLBACK TO request");
    session.execute("RELEASE request");
    run_undo(pending);
    return !session.failed();
}

void SqliteDatabase::run_batch(std::vector<Pending*>& batch) {
    auto& session = *writer_session_;
    const auto changes = sqlite3_total_changes64(session.handle());
    session.reset();
    session.execute("BEGIN IMMEDIATE");
    bool alive = !session.failed();
    for (auto* pending : batch) alive = alive && run_one(*pending);
    session.reset();
    if (alive) session.execute("COMMIT");
    if (!alive || session.failed()) {
        spdlog::error("database: a commit of {} requests failed; none of them happened", batch.size());
        session.reset();
        if (session.in_transaction()) session.execute("ROLLBACK");
        for (auto pending = batch.rbegin(); pending != batch.rend(); ++pending) run_undo(**pending);
        return;
    }
    if (sqlite3_total_changes64(session.handle()) != changes) ++version_;
    for (auto* pending : batch)
        for (auto& then : pending->then) then();
}

std::unique_ptr<SqliteSession> SqliteDatabase::take_reader() {
    std::unique_lock lock(readers_mutex_);
    reader_free_.wait(lock, [this] { return !readers_.empty() || readers_made_ < options_.readers; });
    if (!readers_.empty()) {
        auto reader = std::move(readers_.back());
        readers_.pop_back();
        return reader;
    }
    ++readers_made_;
    lock.unlock();
    auto made = SqliteSession::open(file_, SqliteSession::Mode::read_only);
    if (made) return std::move(*made);
    spdlog::error("{}", made.error().message);
    return nullptr;
}

void SqliteDatabase::give_reader(std::unique_ptr<SqliteSession> reader) {
    {
        std::lock_guard lock(readers_mutex_);
        if (reader) {
            readers_.push_back(std::move(reader));
        } else {
            --readers_made_;
        }
    }
    reader_free_.notify_one();
}

bool SqliteDatabase::run_read(const std::function<void(Session&)>& look) {
    auto reader = take_reader();
    bool ok = false;
    if (reader) {
        reader->reset();
        reader->execute("BEGIN");
        look(*reader);
        ok = !reader->failed();
        reader->reset();
        if (reader->in_transaction()) reader->execute("COMMIT");
        if (!ok) reader.reset();
    }
    give_reader(std::move(reader));
    return ok;
}

Status SqliteDatabase::backup(const std::filesystem::path& to) {
    std::error_code error;
    if (std::filesystem::exists(to, error)) return fail(ErrorCode::conflict, to.string() + " exists already");
    LODGE_TRY(auto source, SqliteSession::open(file_, SqliteSession::Mode::read_only));
    int made = ::open(to.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (made < 0) return fail(ErrorCode::io_failure, "cannot make " + to.string());
    ::close(made);
    sqlite3* target = nullptr;
    int code = sqlite3_open_v2(to.c_str(), &target, SQLITE_OPEN_READWRITE, nullptr);
    if (code == SQLITE_OK) {
        // One step copies all pages under one read transaction: consistent, and in WAL mode it blocks no
        // writer.
        auto* copy = sqlite3_backup_init(target, "main", source->handle(), "main");
        code = copy ? sqlite3_backup_step(copy, -1) : SQLITE_ERROR;
        if (copy && sqlite3_backup_finish(copy) == SQLITE_OK && code == SQLITE_DONE) code = SQLITE_OK;
    }
    std::string why = sqlite3_errmsg(target);
    sqlite3_close(target);
    if (code == SQLITE_OK) return {};
    std::filesystem::remove(to, error);
    return fail(ErrorCode::io_failure, "cannot copy the database: " + why);
}

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const std::filesystem::path& file,
                                              const SqliteOptions& options) {
    // SQLite counts its memory under one lock for all connections, which costs readers more than their
    // queries. It refuses once it is in use; then it counts, and no more.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    auto lock_file = file.string() + ".lock";
    int lock = ::open(lock_file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (lock < 0) return fail(ErrorCode::io_failure, "cannot open " + lock_file);
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        ::close(lock);
        return fail(ErrorCode::conflict, "another lodged is using the database " + file.string());
    }
    int made = ::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC,
                      0600);  // so that the secrets in it are the owner's
    if (made >= 0) ::close(made);
    auto writer = SqliteSession::open(file, SqliteSession::Mode::read_write);
    if (!writer) {
        ::close(lock);
        return tl::unexpected<Error>(std::move(writer).error());
    }
    return std::make_unique<SqliteDatabase>(file, options, lock, std::move(*writer));
}

}  // namespace lodge::db
