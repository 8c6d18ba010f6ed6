// What a process of the control plane remembers, over a database that outlives it.
#pragma once

#include <gtest/gtest.h>

#include "db/driver/database.h"
#include "proto/base/random.h"
#include "scheduler/reconcile/upkeep.h"

namespace lodge::scheduler {

// One process of the control plane; a new one is a restart.
struct Process {
    Process(db::Database& database, const Clock& clock, const Timing& timing)
        : claims(Overcommit{}),
          random(3),
          hub(
              clock, random,
              [this](const std::function<void()>& task) {
                  if (busy) return false;
                  task();
                  return true;
              },
              timing.lease_ms, 2048),
          agents(database, claims, hub, clock, timing),
          upkeep(database, claims, hub, clock, timing, [](const VpcId&, std::int64_t) { return true; }) {
        EXPECT_TRUE(database.read([&](db::Session& session) -> Status {
            claims.load(session);
            return {};
        }));
    }

    bool busy = false;
    Claims claims;
    SeededRandom random;
    HostHub hub;
    Agents agents;
    Upkeep upkeep;
};

}  // namespace lodge::scheduler
