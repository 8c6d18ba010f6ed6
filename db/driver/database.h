// A database: one writer that takes many requests' changes in one commit, and many readers.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "db/driver/session.h"

namespace lodge::db {

// Thread-safe. write() and read() block the caller.
class Database {
  public:
    virtual ~Database() = default;

    // Runs `change` on the writer thread and returns what it returned once that is durable. An error (its
    // own, or InternalError for the database's, which goes before what `change` made of it) means that
    // nothing of it happened. `change` must not call write() or read().
    template <class F>
    std::invoke_result_t<F, Session&> write(F change) {
        std::optional<std::invoke_result_t<F, Session&>> result;
        Error failure = make_error(ErrorCode::internal_error);
        bool refused = false;
        bool committed = run_write(
            [&](Session& session) {
                result.emplace(change(session));
                refused = !result->has_value() && !session.failed();
                return result->has_value();
            },
            failure);
        if (!committed && !refused) return tl::unexpected<Error>(std::move(failure));
        return std::move(*result);
    }

    // Runs `look` over one consistent state of the database, the newest committed one.
    template <class F>
    std::invoke_result_t<F, Session&> read(F look) {
        std::optional<std::invoke_result_t<F, Session&>> result;
        if (!run_read([&](Session& session) { result.emplace(look(session)); }) || !result)
            return fail(ErrorCode::internal_error);
        return std::move(*result);
    }

    // Whom stores tell, by ID, of resources that have followers elsewhere: a VPC, whose network OVN has.
    // Called on the writer thread after the commit; it must not call write() or read(). Set it before the
    // first write, and take it back (nullptr) before what it calls goes.
    virtual void on_announcement(std::function<void(const std::string& id)> listener) = 0;

    // Grows with every commit that changed a row, before write() returns: whoever keeps what it has read asks
    // first, and reads again once this is another.
    virtual std::int64_t version() const = 0;

    // A consistent copy into a new file, while others read and write. IoFailure, or Conflict if `to` exists.
    virtual Status backup(const std::filesystem::path& to) = 0;

  protected:
    // Whether `change` returned true and was committed.
    virtual bool run_write(const std::function<bool(Session&)>& change, Error& failure) = 0;
    // Whether all statements succeeded.
    virtual bool run_read(const std::function<void(Session&)>& look) = 0;
};

}  // namespace lodge::db
