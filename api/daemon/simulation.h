// Simulated hosts inside lodged: real agents over fake hypervisors, linked by calls instead of TLS.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "db/driver/database.h"
#include "proto/base/clock.h"
#include "proto/base/random.h"
#include "proto/model/zone.h"
#include "scheduler/reconcile/agents.h"

namespace lodge::api {

// What people's test suites sign with.
inline constexpr const char* simulated_account = "123456789012";
inline constexpr const char* simulated_access_key = "AKIASIMULATED0000000";
inline constexpr const char* simulated_secret_key = "simulated/secret/key/of/no/value/at/all0";
inline constexpr const char* simulated_image = "ami-00000000000000001";

// Writes what a fresh simulation needs, once: the account, a public image, the hosts. Returns the hosts' IDs.
Result<std::vector<HostId>> prepare_simulation(db::Database& database, int hosts,
                                               const std::vector<Zone>& zones, const Clock& clock,
                                               Random& random);

// The hosts' agents; they run until destruction. Guests end with the process, and their disks are there
// again.
class Simulation {
  public:
    Simulation(db::Database& database, scheduler::Agents& agents, const std::vector<HostId>& hosts,
               std::int64_t boot_ms, const Clock& clock, Random& random);
    ~Simulation();
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

  private:
    struct SimulatedHost;
    std::vector<std::unique_ptr<SimulatedHost>> hosts_;
};

}  // namespace lodge::api
