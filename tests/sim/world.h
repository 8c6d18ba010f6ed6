// The simulated cluster: one control plane, hosts, clients, a network between them that loses, doubles and
// delays, and the dice that say what happens next.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/client.h"
#include "tests/sim/control_plane.h"
#include "tests/sim/host.h"
#include "tests/sim/plan.h"
#include "tests/sim/promises.h"

namespace lodge::sim {

class World final : public Post {
  public:
    World(const Plan& plan, std::string file, bool keep_history);
    Outcome run();

    Result<link::HelloReply> hello(const HostId& from, const link::HelloRequest& request) override;
    Result<link::HeartbeatReply> heartbeat(const HostId& from, const link::Heartbeat& heartbeat) override;
    Result<link::PollReply> poll(const HostId& from, const link::PollRequest& request) override;
    Result<link::ReportReply> report(const HostId& from, const link::ReportRequest& request) override;
    Result<link::LayerReply> layer(const HostId& from, const link::LayerRequest& request) override;

  private:
    // A report that is still on its way although its sender has given up waiting.
    struct Letter {
        HostId from;
        link::ReportRequest request;
    };

    bool has(Trouble trouble) const { return troubled_ && (plan_.troubles & trouble) != 0; }
    void say(const std::string& line);
    void step();
    void host_step(SimHost& host);
    void client_step();
    void lodged_step();
    void trouble_step();
    void trouble_for_lodged();
    void trouble_for_guest(SimHost& host);
    void fence_silent_host();
    void come_to_rest();
    bool at_rest();

    void start_lodged();
    void kill_lodged(const std::string& how);
    // Runs `act` as the control plane; nothing when it is down, or dies of it.
    template <class Act>
    bool in_lodged(Act act);
    template <class Reply, class Act>
    Result<Reply> carry(const HostId& from, Act act);
    Answer call(const std::string& account, const std::string& action, const Words& words);
    SimHost& host_of(const HostId& id);

    const Plan plan_;
    const std::string file_;
    const bool keep_history_;
    Dice dice_;
    ManualClock clock_{1'000'000'000'000};
    SeededRandom northbound_random_;
    network::MemoryNorthbound northbound_;
    CrashPlan lodged_plan_;
    std::unique_ptr<ControlPlane> lodged_;
    std::int64_t lodged_back_ms_ = 0;
    std::int64_t next_tick_ms_ = 0;
    std::vector<std::unique_ptr<SimHost>> hosts_;
    std::map<std::string, Promises> promises_;  // by account
    std::vector<std::unique_ptr<Client>> clients_;
    std::deque<Letter> letters_;
    Watch watch_;
    bool troubled_ = true;
    int step_ = 0;
    Outcome outcome_;
};

}  // namespace lodge::sim
