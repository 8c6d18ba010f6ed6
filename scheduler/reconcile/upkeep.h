// The reconcile loop of the control plane: leases, deadlines, and forgetting what is over.
// Level-triggered and idempotent: call tick() about once a second; each call does what is due and no more.
#pragma once

#include "scheduler/reconcile/agents.h"

namespace lodge::scheduler {

// One thread.
class Upkeep {
  public:
    Upkeep(db::Database& database, Claims& claims, HostHub& hub, const Clock& clock, const Timing& timing);
    void tick();

  private:
    void check_leases();
    void check_deadlines();
    void forget_ended();
    void forget_old();

    db::Database& database_;
    Claims& claims_;
    HostHub& hub_;
    const Clock& clock_;
    const Timing timing_;
    std::int64_t next_forgetting_ms_ = 0;
};

}  // namespace lodge::scheduler
