#include "tests/sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace lodge::sim {
namespace {

constexpr std::int64_t tick_ms = 100;
constexpr int rest_rounds = 3'000;  // of 100 ms each: every deadline, twice
constexpr std::int64_t round_ms = 100;

const std::pair<Trouble, const char*> trouble_names[] = {
    {lose_messages, "lose-messages"},     {double_messages, "double-messages"},
    {delay_messages, "delay-messages"},   {crash_lodged, "crash-lodged"},
    {crash_agents, "crash-agents"},       {freeze_hosts, "freeze-hosts"},
    {cut_hosts_off, "cut-hosts-off"},     {guests_end, "guests-end"},
    {deaf_guests, "deaf-guests"},         {full_disks, "full-disks"},
    {hypervisor_away, "hypervisor-away"}, {set_dates, "set-dates"},
    {fence_hosts, "fence-hosts"},
};

Error no_answer() {
    return make_error(ErrorCode::service_unavailable, {"no answer"});
}

}  // namespace

std::string names_of(unsigned troubles) {
    std::string names;
    for (const auto& [trouble, name] : trouble_names)
        if (troubles & trouble) names += (names.empty() ? "" : " ") + std::string(name);
    return names.empty() ? "none" : names;
}

World::World(const Plan& plan, std::string file, bool keep_history)
    : plan_(plan),
      file_(std::move(file)),
      keep_history_(keep_history),
      dice_(plan.seed),
      northbound_random_(dice_.seed()),
      northbound_(northbound_random_) {
    for (const auto& id : make_database(file_, plan.hosts)) {
        hosts_.push_back(std::make_unique<SimHost>(id, *this, clock_, dice_));
        hosts_.back()->start_agent();
    }
    for (int i = 0; i < plan.clients; ++i) {
        // Two of three are one account's.
        std::string account = accounts[i % 3 == 2];
        clients_.push_back(
            std::make_unique<Client>("c" + std::to_string(i), account, promises_[account], dice_));
    }
}

void World::say(const std::string& line) {
    auto whole = fmt::format("{:>4} {:>8} {}\n", step_, clock_.steady_ms() - 1'000'000'000'000, line);
    for (unsigned char byte : whole) outcome_.hash = (outcome_.hash ^ byte) * 1099511628211ULL;  // FNV-1a
    if (keep_history_) outcome_.history += whole;
}

// --- The control plane
// ---------------------------------------------------------------------------------------

void World::start_lodged() {
    try {
        lodged_ = std::make_unique<ControlPlane>(file_, northbound_, clock_, dice_.seed(), lodged_plan_);
        next_tick_ms_ = 0;
        say("lodged starts");
    } catch (const Crash&) {
        kill_lodged("lodged dies while it starts");
    }
}

void World::kill_lodged(const std::string& how) {
    lodged_plan_.disarm();
    lodged_.reset();
    lodged_back_ms_ =
        clock_.steady_ms() + (dice_.once_in(4) ? dice_.between(5'000, 40'000) : dice_.between(0, 2'000));
    say(how);
}

template <class Act>
bool World::in_lodged(Act act) {
    if (!lodged_) return false;
    try {
        act(*lodged_);
        return true;
    } catch (const Crash&) {
        kill_lodged("lodged dies on its way");
        return false;
    }
}

// --- Messages
// ------------------------------------------------------------------------------------------------

SimHost& World::host_of(const HostId& id) {
    return **std::find_if(hosts_.begin(), hosts_.end(), [&](const auto& each) { return each->id() == id; });
}

template <class Reply, class Act>
Result<Reply> World::carry(const HostId& from, Act act) {
    if (clock_.steady_ms() < host_of(from).cut_off_until_ms) return tl::unexpected<Error>(no_answer());
    if (has(lose_messages) && dice_.once_in(25)) return tl::unexpected<Error>(no_answer());
    std::optional<Result<Reply>> reply;
    const int times = has(double_messages) && dice_.once_in(20) ? 2 : 1;
    for (int i = 0; i < times; ++i)
        if (!in_lodged([&](ControlPlane& lodged) { reply = act(lodged); }))
            return tl::unexpected<Error>(no_answer());
    if (has(lose_messages) && dice_.once_in(25)) return tl::unexpected<Error>(no_answer());
    return std::move(*reply);
}

Result<link::HelloReply> World::hello(const HostId& from, const link::HelloRequest& request) {
    return carry<link::HelloReply>(
        from, [&](ControlPlane& lodged) { return lodged.agents().hello(from, request); });
}

Result<link::HeartbeatReply> World::heartbeat(const HostId& from, const link::Heartbeat& heartbeat) {
    return carry<link::HeartbeatReply>(from, [&](ControlPlane& lodged) -> Result<link::HeartbeatReply> {
        return lodged.agents().heartbeat(from, heartbeat);
    });
}

Result<link::PollReply> World::poll(const HostId& from, const link::PollRequest& request) {
    return carry<link::PollReply>(from, [&](ControlPlane& lodged) -> Result<link::PollReply> {
        auto reply = std::make_shared<std::optional<Result<link::PollReply>>>();
        lodged.agents().poll(from, request,
                             [reply](Result<link::PollReply> said) { *reply = std::move(said); });
        if (!*reply) lodged.hub().tick();  // whose wait is over
        if (!*reply) return tl::unexpected<Error>(no_answer());
        return std::move(**reply);
    });
}

Result<link::ReportReply> World::report(const HostId& from, const link::ReportRequest& request) {
    if (has(delay_messages) && dice_.once_in(6)) {
        letters_.push_back({from, request});
        return tl::unexpected<Error>(no_answer());
    }
    return carry<link::ReportReply>(
        from, [&](ControlPlane& lodged) { return lodged.agents().report(from, request); });
}

Result<link::LayerReply> World::layer(const HostId& from, const link::LayerRequest& request) {
    return carry<link::LayerReply>(
        from, [&](ControlPlane& lodged) { return lodged.agents().layer(from, request); });
}

Answer World::call(const std::string& account, const std::string& action, const Words& words) {
    if (has(lose_messages) && dice_.once_in(20)) return std::nullopt;
    Answer answer;
    const int times = has(double_messages) && dice_.once_in(20) ? 2 : 1;
    for (int i = 0; i < times; ++i)
        if (!in_lodged([&](ControlPlane& lodged) { answer = lodged.call(account, action, words); }))
            return std::nullopt;
    if (!answer) return std::nullopt;
    if (!*answer && http_status(answer->error().code) >= 500 &&
        answer->error().code == ErrorCode::service_unavailable)
        return std::nullopt;
    if (has(lose_messages) && dice_.once_in(20)) return std::nullopt;
    return answer;
}

// --- Steps
// ---------------------------------------------------------------------------------------------------

void World::host_step(SimHost& host) {
    if (host.frozen()) return;
    if (!host.alive()) {
        if (clock_.steady_ms() < host.agent_back_ms) return;
        host.start_agent();
        say(host.id().str() + " agent starts");
        return;
    }
    try {
        if (auto did = host.turn(); did == "work" || did == "report") say(host.id().str() + " " + did);
    } catch (const Crash&) {
        host.kill_agent();
        host.agent_back_ms = clock_.steady_ms() + dice_.between(0, 5'000);
        say(host.id().str() + " agent dies on its way");
    }
}

void World::client_step() {
    auto& client = *clients_[dice_.below(clients_.size())];
    say(client.act([this](const auto& account, const auto& action, const auto& words) {
        return call(account, action, words);
    }));
    if (!client.complaint().empty()) outcome_.failure = client.complaint();
}

void World::lodged_step() {
    if (!lodged_) {
        if (clock_.steady_ms() >= lodged_back_ms_) start_lodged();
        return;
    }
    if (!letters_.empty() && (!troubled_ || dice_.once_in(4))) {
        auto at = letters_.begin() + static_cast<std::ptrdiff_t>(dice_.below(letters_.size()));
        auto letter = std::move(*at);
        letters_.erase(at);
        say(letter.from.str() + " report arrives late");
        in_lodged([&](ControlPlane& lodged) {
            static_cast<void>(lodged.agents().report(letter.from, letter.request));
        });
        return;
    }
    if (clock_.steady_ms() < next_tick_ms_) return;
    next_tick_ms_ = clock_.steady_ms() + tick_ms;
    in_lodged([](ControlPlane& lodged) { lodged.tick(); });
}

void World::trouble_for_lodged() {
    if (!lodged_) return;
    if (dice_.once_in(2))
        kill_lodged("lodged is killed");
    else
        lodged_plan_.arm(dice_.between(1, 60));
}

void World::trouble_for_guest(SimHost& host) {
    const auto domains = host.domains();
    if (domains.empty()) return;
    const auto& guest = domains[dice_.below(domains.size())].guest_id;
    if (has(deaf_guests) && dice_.once_in(3)) {
        host.machine.set_deaf(guest, dice_.once_in(2));
        return;
    }
    if (!has(guests_end)) return;
    const auto what = dice_.below(3);
    if (what == 0) host.machine.guest_powers_off(guest);
    if (what == 1) host.machine.guest_reboots(guest);
    if (what == 2) host.machine.crash(guest);
    say(guest.str() + (what == 0 ? " powers off" : what == 1 ? " reboots" : " crashes"));
}

// As the operator does, who may be wrong about the machine being off. Those that are heard are refused.
void World::fence_silent_host() {
    in_lodged([&](ControlPlane& lodged) {
        for (const auto& host : hosts_) {
            const auto fenced = lodged.fence(host->id());
            if (!fenced) continue;
            say(fmt::format("{} is fenced: {} guests lost", host->id().str(), fenced->guests_lost));
            return;
        }
    });
}

void World::trouble_step() {
    auto& host = *hosts_[dice_.below(hosts_.size())];
    const auto soon =
        clock_.steady_ms() + (dice_.once_in(3) ? dice_.between(10'000, 40'000) : dice_.between(0, 5'000));
    const auto& [trouble, name] = trouble_names[dice_.below(std::size(trouble_names))];
    if (has(fence_hosts) && dice_.once_in(4))
        fence_silent_host();  // there are few moments in which it can be
    if (!has(trouble) || trouble == fence_hosts) return;
    if (trouble == guests_end || trouble == deaf_guests) return trouble_for_guest(host);
    if (trouble == crash_lodged) return trouble_for_lodged();
    if (trouble == lose_messages || trouble == double_messages || trouble == delay_messages) return;
    say(host.id().str() + " " + name);
    if (trouble == crash_agents) host.plan.arm(dice_.between(1, 12));
    if (trouble == freeze_hosts) host.frozen_until_ms = soon;
    if (trouble == cut_hosts_off) host.cut_off_until_ms = soon;
    if (trouble == full_disks) host.storage.full = !host.storage.full;
    if (trouble == hypervisor_away) {
        host.hypervisor_away = !host.hypervisor_away;
        host.machine.set_unavailable(host.hypervisor_away);
    }
    if (trouble == set_dates) clock_.set_calendar_forward_ms(dice_.between(-3'600'000, 3'600'000));
}

void World::step() {
    clock_.advance_ms(dice_.between(0, 60));
    const auto choice = dice_.below(100);
    if (choice < 70)
        host_step(*hosts_[dice_.below(hosts_.size())]);
    else if (choice < 82)
        lodged_step();
    else if (choice < 96)
        client_step();
    else
        trouble_step();
}

// All that went wrong ends, and everybody has time.
void World::come_to_rest() {
    troubled_ = false;
    lodged_plan_.disarm();
    for (auto& host : hosts_) {
        host->plan.disarm();
        host->frozen_until_ms = host->cut_off_until_ms = host->agent_back_ms = 0;
        host->storage.full = host->hypervisor_away = false;
        host->machine.set_unavailable(false);
        for (const auto& each : host->domains()) host->machine.set_deaf(each.guest_id, false);
    }
    lodged_back_ms_ = 0;
    for (int round = 0; round < rest_rounds && !at_rest(); ++round) {
        clock_.advance_ms(round_ms);
        if (!lodged_ || !letters_.empty() || clock_.steady_ms() >= next_tick_ms_) lodged_step();
        for (auto& host : hosts_) {
            if (!host->alive()) host->start_agent();
            host->all_turns();
        }
        if (lodged_) outcome_.failure = watch_.after_steps(*lodged_, hosts_, promises_);
        if (!outcome_.failure.empty()) return;
        for (auto& client : clients_)
            if (client->unsettled())
                say(client->settle([this](const auto& account, const auto& action, const auto& words) {
                    return call(account, action, words);
                }));
    }
}

bool World::at_rest() {
    if (!lodged_ || !letters_.empty()) return false;
    if (std::any_of(clients_.begin(), clients_.end(), [](const auto& each) { return each->unsettled(); }))
        return false;
    return !Watch::moving(*lodged_) && watch_.at_rest(*lodged_, hosts_, promises_).empty();
}

Outcome World::run() {
    start_lodged();
    for (step_ = 1; step_ <= plan_.steps && outcome_.failure.empty(); ++step_) {
        step();
        if (!outcome_.failure.empty()) break;
        outcome_.failure = lodged_ ? watch_.after_step(*lodged_, hosts_, promises_) : watch_.machines(hosts_);
        if (!outcome_.failure.empty()) break;
        for (auto& [account, promised] : promises_)
            for (const auto& id : promised.instances)
                if (watch_.has_ended(id)) promised.ended.insert(id);
    }
    outcome_.failed_at = step_;
    if (outcome_.failure.empty()) {
        come_to_rest();
        if (outcome_.failure.empty() && !lodged_) outcome_.failure = "lodged does not come back";
        if (outcome_.failure.empty()) outcome_.failure = watch_.after_steps(*lodged_, hosts_, promises_);
        if (outcome_.failure.empty()) outcome_.failure = watch_.at_rest(*lodged_, hosts_, promises_);
        for (const auto& client : clients_)
            if (outcome_.failure.empty()) outcome_.failure = client->complaint();
    }
    say(outcome_.failure.empty() ? "all is well" : outcome_.failure);
    for (auto& host : hosts_) host->kill_agent();
    return std::move(outcome_);
}

Outcome run(const Plan& plan, const std::string& folder, bool keep_history) {
    const auto own = std::filesystem::path(folder) / ("seed-" + std::to_string(plan.seed));
    std::filesystem::create_directories(own);
    Outcome outcome;
    {
        World world(plan, (own / "lodge.db").string(), keep_history);
        outcome = world.run();
    }
    std::filesystem::remove_all(own);
    return outcome;
}

Plan shorten(Plan plan, const std::string& folder) {
    auto fails = [&](const Plan& tried) { return !run(tried, folder).failure.empty(); };
    plan.steps = std::min(plan.steps, run(plan, folder).failed_at);
    for (unsigned trouble = 1; trouble <= fence_hosts; trouble <<= 1) {
        auto tried = plan;
        tried.troubles &= ~trouble;
        if (fails(tried)) plan = tried;
    }
    for (int* number : {&plan.hosts, &plan.clients, &plan.steps})
        for (int smaller = 1; smaller < *number; smaller = smaller + std::max(1, (*number - smaller) / 4)) {
            const int before = *number;
            *number = smaller;
            if (fails(plan)) break;
            *number = before;
        }
    return plan;
}

}  // namespace lodge::sim
