// lodged as a simulation has it: the same parts as api/daemon puts together, without threads and sockets.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/pipeline/context.h"
#include "scheduler/network/memory_northbound.h"
#include "scheduler/network/reconciler.h"
#include "scheduler/reconcile/agents.h"
#include "scheduler/reconcile/fencing.h"
#include "scheduler/reconcile/upkeep.h"
#include "tests/sim/crashing_database.h"

namespace lodge::sim {

inline constexpr const char* region = "us-east-1";
// Accounts whose clients know nothing of each other.
inline constexpr const char* accounts[] = {"123456789012", "210987654321"};
inline constexpr const char* zone_name = "us-east-1a";
inline constexpr const char* image_id = "ami-00000000000000001";

// Makes a database with accounts, an image and hosts. The same every time; returns the hosts' IDs.
std::vector<HostId> make_database(const std::filesystem::path& file, int hosts);

scheduler::Timing timing();

using Words = std::vector<std::pair<std::string, std::string>>;

// One life of the process. Any call may throw Crash: then this object is to go.
class ControlPlane {
  public:
    // `northbound` is OVN, which goes on living.
    ControlPlane(const std::filesystem::path& file, network::Northbound& northbound, const Clock& clock,
                 std::uint64_t seed, CrashPlan& plan);
    ~ControlPlane();
    ControlPlane(const ControlPlane&) = delete;
    ControlPlane& operator=(const ControlPlane&) = delete;

    // One request of the API, from its parameters to the XML.
    Result<std::string> call(const std::string& account, const std::string& action, const Words& words);
    // `lodge host fence`.
    Result<scheduler::Fenced> fence(const HostId& id);
    // What its threads do from time to time.
    void tick();

    scheduler::Agents& agents() { return *agents_; }
    scheduler::HostHub& hub() { return *hub_; }
    const scheduler::Claims& claims() const { return claims_; }
    db::Database& database() { return *database_; }

  private:
    void begin();

    const Clock& clock_;
    SeededRandom random_;
    std::unique_ptr<CrashingDatabase> database_;
    scheduler::Claims claims_;
    std::unique_ptr<scheduler::HostHub> hub_;
    std::unique_ptr<scheduler::Agents> agents_;
    std::unique_ptr<network::Reconciler> network_;
    std::unique_ptr<api::Services> services_;
    std::unique_ptr<scheduler::Upkeep> upkeep_;
};

}  // namespace lodge::sim
