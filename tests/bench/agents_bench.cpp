// What a thousand agents cost lodged when nothing happens, and how they come back after it was away. Real
// agents with hosts that are not, joined and linked by TLS as hosts are; all in this process.
//
//   bench_agents LODGED LODGE [agents=1000] [seconds=60]
//
// Prints lodged's processor time, its memory and loopback's bytes a second in the steady state (the machine
// should do nothing else), then how long after a start all agents are served again, following `seconds`
// without lodged.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>

#include "agent/hypervisor/fake.h"
#include "agent/link/http_link.h"
#include "agent/network/fake.h"
#include "agent/reconcile/agent.h"
#include "agent/storage/null_storage.h"
#include "proto/base/process.h"
#include "tests/bench/lodged.h"

namespace lodge::bench {
namespace {

using Steady = std::chrono::steady_clock;

// The operator's command line, with its answer.
class Operator {
  public:
    Operator(std::string lodge, const LodgedProcess& lodged)
        : command_(fmt::format("{} --json --state-dir {} ", lodge, lodged.state_dir())) {}

    nlohmann::json ask(const std::string& words) const {
        std::FILE* pipe = ::popen((command_ + words + " 2>/dev/null").c_str(), "r");
        std::string text;
        std::array<char, 65'536> buffer;
        while (auto size = std::fread(buffer.data(), 1, buffer.size(), pipe))
            text.append(buffer.data(), size);
        ::pclose(pipe);
        return nlohmann::json::parse(text, nullptr, false);
    }
    // Until it is answered.
    void await() const {
        while (!ask("host list").is_object()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    // How many hosts are shown in each condition.
    std::map<std::string, int> conditions() const {
        std::map<std::string, int> count;
        const auto answer = ask("host list");
        if (answer.is_object())
            for (const auto& host : answer.value("hosts", nlohmann::json::array()))
                ++count[host["condition"].get<std::string>()];
        return count;
    }

  private:
    const std::string command_;
};

// An agent with guests in memory.
struct Host {
    Host(agent::Identity identity, const Clock& clock, Random& random)
        : hypervisor(clock, {"bench", "x86_64", 64, 262'144, "simulated"}),
          storage(
              1 << 20, [this](const InstanceId& instance) { return hypervisor.console(instance); },
              [this](const InstanceId& instance) { hypervisor.forget_console(instance); }),
          link(identity),
          agent({hypervisor, storage, network, metadata}, link, clock, random, options(identity.host_id)) {
        agent.start();
    }

    static agent::AgentOptions options(const HostId& id) {
        agent::AgentOptions made;
        made.host_id = id;
        made.workers = 1;
        made.fetchers = 0;
        return made;
    }

    agent::FakeHypervisor hypervisor;
    agent::NullStorage storage;
    agent::FakeNetwork network;
    agent::NullMetadataSink metadata;
    agent::HttpLink link;
    agent::Agent agent;
};

std::unique_ptr<Host> join(const LodgedProcess& lodged, const Operator& by, int number, const Clock& clock,
                           Random& random) {
    const auto folder = lodged.folder() / fmt::format("agent-{}", number);
    std::filesystem::create_directory(folder);
    const std::string token = by.ask("host token")["token"];
    auto identity = agent::join(folder, fmt::format("127.0.0.1:{}", lodged.agent_port()), token);
    if (!identity) {
        fmt::print(stderr, "{}\n", identity.error().message);
        std::exit(1);
    }
    return std::make_unique<Host>(*identity, clock, random);
}

// Until all are served; returns how many were taken for lost meanwhile.
int await_all(const Operator& by, int agents) {
    int lost = 0;
    for (;; std::this_thread::sleep_for(std::chrono::milliseconds(200))) {
        auto shown = by.conditions();
        lost = std::max(lost, shown["unreachable"]);
        if (shown["ok"] == agents) return lost;
    }
}

// Loopback's, in one direction: what is sent there is received there.
double loopback_bytes() {
    std::ifstream devices("/proc/net/dev");
    for (std::string line; std::getline(devices, line);)
        if (auto at = line.find("lo:"); at != std::string::npos)
            return std::strtod(line.c_str() + at + 3, nullptr);
    return 0;
}

void measure_steady_state(const LodgedProcess& lodged, int agents, double seconds) {
    const double cpu = lodged.cpu_seconds();
    const double bytes = loopback_bytes();
    const auto begin = Steady::now();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    const double took = seconds_since(begin);
    fmt::print("steady state of {} agents: {:.1f} % of a processor, {:.0f} bytes/s an agent, {:.0f} MiB\n",
               agents, (lodged.cpu_seconds() - cpu) / took * 100, (loopback_bytes() - bytes) / took / agents,
               lodged.resident_mib());
    std::fflush(stdout);
}

void measure_return(LodgedProcess& lodged, const Operator& by, int agents, double seconds) {
    lodged.end(SIGKILL);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    lodged.start();
    const auto begin = Steady::now();
    const int lost = await_all(by, agents);
    fmt::print(
        "after {:.0f} s without lodged all are served {:.1f} s from its start, {} of them taken for lost "
        "before; "
        "{:.1f} s of a processor\n",
        seconds, seconds_since(begin), lost, lodged.cpu_seconds());
}

}  // namespace
}  // namespace lodge::bench

int main(int argc, char** argv) {
    using namespace lodge::bench;
    if (argc < 3) {
        fmt::print(stderr, "bench_agents LODGED LODGE [agents] [seconds]\n");
        return 2;
    }
    const int agents = argc > 3 ? std::atoi(argv[3]) : 1000;
    const double seconds = argc > 4 ? std::atof(argv[4]) : 60;
    lodge::allow_descriptors();
    const lodge::SystemClock clock;
    lodge::SystemRandom random;
    LodgedProcess lodged(argv[1], {"--ovn-northbound", ""});
    const Operator by(argv[2], lodged);
    by.await();
    std::vector<std::unique_ptr<Host>> hosts;
    for (int i = 0; i < agents; ++i) hosts.push_back(join(lodged, by, i, clock, random));
    await_all(by, agents);
    measure_steady_state(lodged, agents, seconds);
    measure_return(lodged, by, agents, seconds);
    for (auto& host : hosts) host->link.interrupt();
    return 0;
}
