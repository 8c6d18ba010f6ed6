// The reconcile loop of the control plane: leases, deadlines, networks, capacity reservations, and forgetting
// what is over.
// Level-triggered and idempotent: call tick() about once a second; each call does what is due and no more.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

    // What a tick is made of, in that order; each part is one transaction, when there is anything to do.
    std::vector<std::string_view> part_names() const;
    // Does one part now, whenever it is due: for tests. There must be one of that name.
    Status run(std::string_view part);

  private:
    struct Part {
        std::string_view name;   // as in the log
        std::int64_t period_ms;  // 0: in every tick
        Status (Upkeep::*run)();
        std::int64_t next_ms = 0;  // steady
    };

    // The calendar tells how long an instance is on its way, for a restart forgets the steady clock. A date
    // that was set must make nothing late: what is given up is given up by steady time since then.
    void watch_calendar();
    Status check_leases();
    std::optional<std::string> expire_one(db::instances::WithGuest& row) const;
    Status check_deadlines();
    Status settle_networks();
    Status expire_reservations();
    Status rehome_reservations();
    Status forget_ended();
    Status forget_old();

    db::Database& database_;
    Claims& claims_;
    HostHub& hub_;
    const Clock& clock_;
    const Timing timing_;
    const network::Applied applied_;
    std::int64_t calendar_ahead_ms_;  // of the steady clock, at the last tick
    std::int64_t calendar_since_ms_;  // steady: since when nobody set the date
    std::vector<Part> parts_;
};

}  // namespace lodge::scheduler
