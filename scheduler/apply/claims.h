// Claims on hosts' capacity: the placement index kept in step with the database.
// Only the writer thread (inside Database::write) touches it, so that a plan, its re-check and its claim are
// one step; what a rolled-back request changed is as before.
#pragma once

#include <cstdint>

#include "db/driver/session.h"
#include "proto/model/guest.h"
#include "proto/model/host.h"
#include "scheduler/placement/capacity_index.h"
#include "scheduler/placement/place.h"

namespace lodge::scheduler {

// How much of a host guests may have.
struct Overcommit {
    double vcpus = 8.0;                      // guests' vCPUs per host CPU
    double memory = 1.0;                     // guests' memory per host memory left after the reserve
    std::int64_t reserved_memory_mib = 512;  // the host's own
    std::int64_t reserved_disk_mib = 2048;   // with less free, a host takes no new guests
};

class Claims {
  public:
    explicit Claims(const Overcommit& overcommit) : overcommit_(overcommit) {}

    // Builds the index anew out of the rows. Hosts begin `unreachable` until their agents speak.
    void load(db::Session& session);

    // Adds the host or changes its totals, keeping what is claimed on it.
    void put_host(db::Session& session, const Host& host, HostCondition condition);
    void set_condition(db::Session& session, const HostId& id, HostCondition condition);

    // Takes the guest's capacity; false, and nothing changed, when the host has not got it any more.
    bool claim(db::Session& session, const Guest& guest);
    // Gives it back once the guest no longer holds it.
    void release(db::Session& session, const Guest& guest);

    const CapacityIndex& index() const { return index_; }

  private:
    HostCapacity capacity_of(const Host& host, HostCondition condition) const;

    Overcommit overcommit_;
    CapacityIndex index_;
};

}  // namespace lodge::scheduler
