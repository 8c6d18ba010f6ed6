#include "tests/sim/host.h"

namespace lodge::sim {
namespace {

constexpr const char* thread_names[] = {"poll", "heartbeat", "reconcile", "network", "report", "work"};

agent::Capacity capacity_of(const HostId& id) {
    return {"simulated-" + id.str(), "x86_64", 4, 6 * 1024, "simulated"};
}

}  // namespace

SimHost::SimHost(HostId id, Post& post, const Clock& clock, Dice& dice)
    : machine(clock, capacity_of(id), dice.between(0, 3'000)),
      disks(
          1 << 20, [this](const InstanceId& instance) { return machine.console(instance); },
          [this](const InstanceId& instance) { machine.forget_console(instance); }),
      id_(std::move(id)),
      clock_(clock),
      dice_(dice),
      link_(post, id_),
      random_(dice.seed()) {
    machine.set_flatten_ms(dice.between(0, 3'000));
}

void SimHost::start_agent() {
    agent::AgentOptions options;
    options.host_id = id_;
    options.poll_wait_ms = 0;
    options.epoch = epoch;
    options.keep_epoch = [this](std::int64_t told) -> Status {
        plan.pass();
        epoch = told;
        plan.pass();
        return {};
    };
    options.patience.stop_ms = 20'000;
    options.patience.reboot_ms = 20'000;
    options.patience.flatten_again_ms = 5'000;
    network_.resume();
    agent_ = std::make_unique<agent::Agent>(agent::HostParts{hypervisor_, storage, network_, metadata_},
                                            link_, clock_, random_, options);
    for (auto& due : due_ms_) due = 0;
}

void SimHost::kill_agent() {
    plan.disarm();
    agent_.reset();
}

bool SimHost::run(Thread thread) {
    constexpr std::int64_t kicked_ms = 200;  // what a kick would have made of a longer rest
    std::int64_t rest_ms = 0;
    bool did = true;
    switch (thread) {
        case polls:
            rest_ms = agent_->poll_turn();
            break;
        case heartbeats:
            rest_ms = agent_->heartbeat_turn();
            break;
        case reconciles:
            machine.tick();
            rest_ms = std::min(agent_->reconcile_turn(), kicked_ms);
            break;
        case networks:
            rest_ms = std::min(agent_->network_turn(), kicked_ms);
            break;
        case reports:
            did = agent_->report_turn();
            break;
        case works:
            did = agent_->work_turn();
            break;
    }
    due_ms_[thread] = clock_.steady_ms() + rest_ms;
    return did;
}

std::string SimHost::turn() {
    std::vector<Thread> due;
    for (auto thread : {polls, heartbeats, reconciles, networks, reports, works})
        if (due_ms_[thread] <= clock_.steady_ms()) due.push_back(thread);
    auto thread = due[dice_.below(due.size())];
    return run(thread) ? thread_names[thread] : "";
}

void SimHost::all_turns() {
    if (due_ms_[heartbeats] <= clock_.steady_ms()) run(heartbeats);
    for (auto thread : {polls, networks, reconciles}) run(thread);
    while (run(works)) {
    }
    run(reconciles);
    run(reports);
}

std::vector<agent::Domain> SimHost::domains() const {
    return machine.peek();
}

std::vector<InstanceId> SimHost::running() const {
    std::vector<InstanceId> ids;
    for (const auto& each : domains())
        if (each.state == agent::DomainState::running || each.state == agent::DomainState::starting)
            ids.push_back(each.instance_id);
    return ids;
}

}  // namespace lodge::sim
