// How many hosts placement needs, on two seeded traces of launches and terminations: small shapes, and skewed
// large ones. The yardsticks see the same trace in the same run: first fit, textbook best fit (least free
// memory left), and the bound that no placement can beat, the largest sum of the demands at any time over
// what one host has.
//
//   bench_packing [launches=100000]
//
// A host is bought when nothing that was bought has room; what is counted is hosts bought. Prints hosts over
// the bound for each, and whether place() needs no more than the better of the two rules; exit status 1 when
// it needs more.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <queue>
#include <random>
#include <unordered_map>

#include "scheduler/placement/place.h"

namespace lodge::scheduler {
namespace {

constexpr std::int64_t host_vcpus = 128;
constexpr std::int64_t host_memory_mib = 512 * 1024;

struct Flavour {
    std::int64_t vcpus;
    std::int64_t memory_mib;
    double weight;  // how often it is asked for, next to others
};

struct Launch {
    std::int64_t vcpus;
    std::int64_t memory_mib;
    std::size_t ends;  // before the launch of that number
};

struct Trace {
    const char* name;
    std::vector<Launch> launches;
};

// Lives are exponential; half of the launches of a burst end much sooner.
Trace make_trace(const char* name, const std::vector<Flavour>& shapes, std::size_t launches,
                 std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<double> weights;
    for (const Flavour& shape : shapes) weights.push_back(shape.weight);
    std::discrete_distribution<std::size_t> which(weights.begin(), weights.end());
    std::exponential_distribution<double> life(1.0);
    Trace trace{name, {}};
    for (std::size_t i = 0; i < launches; ++i) {
        const Flavour& shape = shapes[which(random)];
        const double mean = static_cast<double>(launches) / (random() % 2 == 0 ? 4 : 40);
        trace.launches.push_back(
            {shape.vcpus, shape.memory_mib, i + 1 + static_cast<std::size_t>(life(random) * mean)});
    }
    return trace;
}

// Buys hosts and puts launches on them; what they hold, by number.
class Pool {
  public:
    virtual ~Pool() = default;
    // The host that takes it; one is bought if need be.
    virtual std::size_t put(const Launch& launch) = 0;
    virtual void take_back(std::size_t host, const Launch& launch) = 0;
    virtual std::size_t bought() const = 0;
};

class Ours final : public Pool {
  public:
    std::size_t put(const Launch& launch) override {
        Request request;
        request.vcpus = launch.vcpus;
        request.memory_mib = launch.memory_mib;
        request.architecture = "x86_64";
        request.zone = "zone-a";
        request.seed = ++seed_;
        auto plan = place(index_, request);
        const std::size_t host = plan ? numbers_.at(plan->hosts.front()) : buy();
        if (!index_.claim(ids_[host], launch.vcpus, launch.memory_mib)) std::abort();
        return host;
    }
    void take_back(std::size_t host, const Launch& launch) override {
        if (!index_.release(ids_[host], launch.vcpus, launch.memory_mib)) std::abort();
    }
    std::size_t bought() const override { return ids_.size(); }

  private:
    std::size_t buy() {
        HostCapacity host;
        host.id = HostId::trusted(fmt::format("h-{:017x}", ids_.size()));
        host.zone = "zone-a";
        host.architecture = "x86_64";
        host.condition = HostCondition::ok;
        host.total_vcpus = host.free_vcpus = host_vcpus;
        host.total_memory_mib = host.free_memory_mib = host_memory_mib;
        numbers_.emplace(host.id, ids_.size());
        ids_.push_back(host.id);
        index_.put(std::move(host));
        return ids_.size() - 1;
    }

    CapacityIndex index_;
    std::vector<HostId> ids_;
    std::unordered_map<HostId, std::size_t> numbers_;
    std::uint64_t seed_ = 0;
};

// The yardsticks: a scan of all hosts.
class Scan final : public Pool {
  public:
    explicit Scan(bool best_fit) : best_fit_(best_fit) {}

    std::size_t put(const Launch& launch) override {
        const std::size_t host = find(launch);
        free_[host].vcpus -= launch.vcpus;
        free_[host].memory_mib -= launch.memory_mib;
        return host;
    }
    void take_back(std::size_t host, const Launch& launch) override {
        free_[host].vcpus += launch.vcpus;
        free_[host].memory_mib += launch.memory_mib;
    }
    std::size_t bought() const override { return free_.size(); }

  private:
    struct Free {
        std::int64_t vcpus = host_vcpus;
        std::int64_t memory_mib = host_memory_mib;
    };

    std::size_t find(const Launch& launch) {
        std::int64_t least = std::numeric_limits<std::int64_t>::max();
        std::size_t found = free_.size();
        for (std::size_t i = 0; i < free_.size(); ++i) {
            if (free_[i].vcpus < launch.vcpus || free_[i].memory_mib < launch.memory_mib) continue;
            if (!best_fit_) return i;
            if (free_[i].memory_mib >= least) continue;
            least = free_[i].memory_mib;
            found = i;
        }
        if (found == free_.size()) free_.emplace_back();
        return found;
    }

    const bool best_fit_;
    std::vector<Free> free_;
};

// Plays the trace; the hosts that had to be bought.
double hosts_bought(const Trace& trace, Pool& pool) {
    using End = std::pair<std::size_t, std::size_t>;  // when, of which launch
    std::priority_queue<End, std::vector<End>, std::greater<>> ends;
    std::vector<std::size_t> hosts;
    for (std::size_t i = 0; i < trace.launches.size(); ++i) {
        for (; !ends.empty() && ends.top().first <= i; ends.pop())
            pool.take_back(hosts[ends.top().second], trace.launches[ends.top().second]);
        hosts.push_back(pool.put(trace.launches[i]));
        ends.emplace(trace.launches[i].ends, i);
    }
    return static_cast<double>(pool.bought());
}

double bound(const Trace& trace) {
    std::vector<std::int64_t> vcpus(trace.launches.size() + 1);
    std::vector<std::int64_t> memory_mib(vcpus.size());
    for (std::size_t i = 0; i < trace.launches.size(); ++i) {
        const Launch& launch = trace.launches[i];
        const std::size_t end = std::min(launch.ends, trace.launches.size());
        vcpus[i] += launch.vcpus;
        memory_mib[i] += launch.memory_mib;
        vcpus[end] -= launch.vcpus;
        memory_mib[end] -= launch.memory_mib;
    }
    std::int64_t sum_vcpus = 0;
    std::int64_t sum_memory_mib = 0;
    double most = 0;
    for (std::size_t i = 0; i < vcpus.size(); ++i) {
        sum_vcpus += vcpus[i];
        sum_memory_mib += memory_mib[i];
        most = std::max({most, static_cast<double>(sum_vcpus) / host_vcpus,
                         static_cast<double>(sum_memory_mib) / host_memory_mib});
    }
    return most;
}

// Whether place() needs no more hosts than the better rule.
bool compare(const Trace& trace) {
    Ours ours;
    Scan first(false);
    Scan best(true);
    const double least = bound(trace);
    const double by_us = hosts_bought(trace, ours);
    const double by_first = hosts_bought(trace, first);
    const double by_best = hosts_bought(trace, best);
    const bool kept = by_us <= std::min(by_first, by_best);
    fmt::print("{:<14} bound {:.1f} hosts: place {:.3f}, best fit {:.3f}, first fit {:.3f} of it{}\n",
               trace.name, least, by_us / least, by_best / least, by_first / least,
               kept ? "" : "  MORE THAN A RULE");
    return kept;
}

}  // namespace
}  // namespace lodge::scheduler

int main(int argc, char** argv) {
    using namespace lodge::scheduler;
    const std::size_t launches = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
    // As EC2's families have them: 2, 4 and 8 GiB a vCPU; burstable ones below.
    const std::vector<Flavour> small = {{2, 512, 3},  {2, 1024, 4}, {2, 2048, 4},  {2, 4096, 3},
                                        {2, 8192, 2}, {4, 8192, 1}, {4, 16'384, 1}};
    const std::vector<Flavour> large = {{2, 8192, 4},       {8, 16'384, 3},     {8, 65'536, 2},
                                        {16, 32'768, 2},    {32, 262'144, 1},   {48, 98'304, 1},
                                        {64, 262'144, 0.5}, {96, 393'216, 0.3}, {16, 131'072, 1.5}};
    bool kept = true;
    for (std::uint64_t seed : {1, 2}) {
        kept &= compare(make_trace("small shapes", small, launches, seed));
        kept &= compare(make_trace("skewed, large", large, launches, seed));
    }
    return kept ? 0 : 1;
}
