// The reconcile loop of the control plane: leases, deadlines, networks, capacity reservations, and forgetting
// what is over.
// Level-triggered and idempotent: call tick() about once a second; each call does what is due and no more.
#pragma once

#include "db/store/instances.h"
#include "scheduler/network/settle.h"
#include "scheduler/reconcile/agents.h"

namespace lodge::scheduler {

// One thread.
class Upkeep {
  public:
    Upkeep(db::Database& database, Claims& claims, HostHub& hub, const Clock& clock, const Timing& timing,
           network::Applied applied);
    void tick();

  private:
    // The calendar tells how long an instance is on its way, for a restart forgets the steady clock. A date
    // that was set must make nothing late: what is given up is given up by steady time since then.
    void watch_calendar();
    void check_leases();
    std::optional<std::string> expire_one(db::instances::WithGuest& row) const;
    void check_deadlines();
    void settle_networks();
    void expire_reservations();
    void rehome_reservations();
    void forget_ended();
    void forget_old();

    db::Database& database_;
    Claims& claims_;
    HostHub& hub_;
    const Clock& clock_;
    const Timing timing_;
    const network::Applied applied_;
    std::int64_t calendar_ahead_ms_;  // of the steady clock, at the last tick
    std::int64_t calendar_since_ms_;  // steady: since when nobody set the date
    std::int64_t next_deadlines_ms_ = 0;
    std::int64_t next_forgetting_ms_ = 0;
};

}  // namespace lodge::scheduler
