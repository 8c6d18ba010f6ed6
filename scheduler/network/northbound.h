// The seam to OVN's Northbound database: a replica of what it holds, and transactions. Two implementations:
// OVSDB's protocol (ovsdb_northbound.h) and one in memory (memory_northbound.h), for `lodged --simulate` and
// tests.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "proto/base/result.h"
#include "scheduler/network/replica.h"

namespace lodge::network {

// Any thread.
class Northbound {
  public:
    virtual ~Northbound() = default;

    // Runs `look` on the replica as of now; false, without running it, while there is no connection.
    virtual bool read(const std::function<void(const Replica&)>& look) = 0;

    // One transaction, all or nothing; the replica holds its outcome when this returns. Errors:
    // service_unavailable when nobody answers (whether it took place is then open: compare again),
    // internal_error with the server's own words.
    virtual Status transact(const Json& operations) = 0;

    // The count (NB_Global.nb_cfg) up to which those hosts have followed whose chassis `counts`: the slowest
    // one's; the database's own count when there is none. Nothing while it cannot be known.
    using Counts = std::function<bool(const std::string& chassis)>;
    virtual std::optional<std::int64_t> followed(const Counts& counts) = 0;

    // Called, on a thread of the implementation's, after changes by others and after a connection was made
    // anew.
    virtual void on_change(std::function<void()> call) = 0;

    // Why there is no connection; empty while there is one.
    virtual std::string problem() const = 0;
};

// An integer of the database's one row of NB_Global; 0 when there is none.
std::int64_t global_count(const Replica& replica, const std::string& column);

}  // namespace lodge::network
