#include "tests/sim/crashing_database.h"

#include <stdexcept>

namespace lodge::sim {
namespace {

// The inner session with a place to die at before each statement that writes.
class CrashingSession final : public db::Session {
  public:
    CrashingSession(db::Session& inner, CrashPlan& plan,
                    const std::function<void(const std::string&)>& listener)
        : inner_(inner), plan_(plan) {
        listener_ = &listener;
    }

    std::int64_t execute_list(std::string_view sql, const db::Value* values, std::size_t count) override {
        plan_.pass();
        auto changed = inner_.execute_list(sql, values, count);
        failed_ = inner_.failed();
        return changed;
    }
    void query_list(std::string_view sql, const db::Value* values, std::size_t count,
                    const std::function<void(const db::Row&)>& each) override {
        inner_.query_list(sql, values, count, each);
        failed_ = inner_.failed();
    }
    // What was asked of this one for the end of the transaction.
    void hand_over() {
        if (failed_) inner_.poison();
        for (auto& each : undo_) inner_.on_rollback(std::move(each));
        for (auto& each : then_) inner_.after_commit(std::move(each));
    }

  private:
    db::Session& inner_;
    CrashPlan& plan_;
};

}  // namespace

CrashingDatabase::CrashingDatabase(std::unique_ptr<db::Database> inner, CrashPlan& plan)
    : inner_(std::move(inner)), plan_(plan) {}

void CrashingDatabase::on_announcement(std::function<void(const std::string& id)> listener) {
    listener_ = std::move(listener);
}

bool CrashingDatabase::run_write(const std::function<bool(db::Session&)>& change, Error& failure) {
    bool dead = false;
    auto result = inner_->write([&](db::Session& session) -> Status {
        CrashingSession wrapped(session, plan_, listener_);
        try {
            const bool good = change(wrapped);
            wrapped.hand_over();
            if (good) plan_.pass();
            if (good) return {};
        } catch (const Crash&) {
            dead = true;
        }
        return fail(ErrorCode::internal_error);
    });
    if (dead) throw Crash{};
    if (result) plan_.pass();
    if (!result) failure = result.error();
    return result.has_value();
}

bool CrashingDatabase::run_read(const std::function<void(db::Session&)>& look) {
    return inner_
        ->read([&](db::Session& session) -> Status {
            look(session);
            return session.failed() ? Status(fail(ErrorCode::internal_error)) : Status();
        })
        .has_value();
}

}  // namespace lodge::sim
