// A database whose program may die between two statements of a change, before its commit and after it, when
// the change is durable and nobody has heard of it.
#pragma once

#include <memory>

#include "db/driver/database.h"
#include "tests/sim/crash.h"

namespace lodge::sim {

// One thread. `plan` outlives it. A crash comes out of write() as the exception.
class CrashingDatabase final : public db::Database {
  public:
    CrashingDatabase(std::unique_ptr<db::Database> inner, CrashPlan& plan);

    void on_announcement(std::function<void(const std::string& id)> listener) override;
    std::int64_t version() const override { return inner_->version(); }
    Status backup(const std::filesystem::path& to) override { return inner_->backup(to); }

  protected:
    bool run_write(const std::function<bool(db::Session&)>& change, Error& failure) override;
    bool run_read(const std::function<void(db::Session&)>& look) override;

  private:
    std::unique_ptr<db::Database> inner_;
    CrashPlan& plan_;
    std::function<void(const std::string&)> listener_;
};

}  // namespace lodge::sim
