// Small and random clusters for the tests of placement, and the linear scan that placement is compared with.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "scheduler/placement/place.h"

namespace lodge::scheduler::placement_tests {

inline HostId host_id(std::uint64_t number) {
    std::string digits = std::to_string(number);
    return HostId::trusted("h-" + std::string(id_digits - digits.size(), '0') + digits);
}

// All free.
inline HostCapacity host(std::uint64_t number, std::int64_t vcpus, std::int64_t memory_mib,
                         const std::string& zone = "z1") {
    return {host_id(number), zone, "x86_64", HostCondition::ok, vcpus, memory_mib, vcpus, memory_mib};
}

inline CapacityIndex index_of(const std::vector<HostCapacity>& hosts) {
    CapacityIndex index;
    for (const HostCapacity& one : hosts) index.put(one);
    return index;
}

inline Request request(std::int64_t vcpus, std::int64_t memory_mib, std::int64_t count = 1) {
    Request made;
    made.vcpus = vcpus;
    made.memory_mib = memory_mib;
    made.architecture = "x86_64";
    made.zone = "z1";
    made.min_count = made.max_count = count;
    return made;
}

// Everything small, so that ties, full hosts and refusals are frequent.
class RandomCluster {
  public:
    explicit RandomCluster(std::uint64_t seed) : random_(seed) {}

    std::vector<HostCapacity> hosts() {
        std::vector<HostCapacity> made;
        const std::int64_t count = below(40);
        const bool alike = below(2) == 0;
        for (std::int64_t i = 0; i < count; ++i) made.push_back(random_host(alike));
        return made;
    }

    // Two models of large hosts in z1 with anything free: many levels, many buckets of memory.
    std::vector<HostCapacity> large_hosts(std::int64_t count) {
        std::vector<HostCapacity> made;
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t scale = 1 + below(2);
            made.push_back(host(number(), 96 * scale, 262'144 * scale - below(100)));
            made.back().free_vcpus = below(96 * scale + 1);
            made.back().free_memory_mib = below(4) == 0 ? 1024 * below(256 * scale) : below(262'000 * scale);
        }
        return made;
    }

    Request request(const std::vector<HostCapacity>& hosts) {
        Request made;
        made.vcpus = 1 + below(8);
        made.memory_mib = (1 + below(8)) * (below(2) == 0 ? 1024 : 700);
        made.architecture = below(10) == 0 ? "aarch64" : "x86_64";
        if (below(2) == 0) made.zone = zone();
        made.zones = {"z2", "z1", "z2"};
        made.min_count = 1 + below(3);
        made.max_count = made.min_count + below(4) * below(8);
        made.strategy = below(2) == 0 ? Strategy::best_fit : Strategy::spread;
        made.seed = random_();
        if (below(10) == 0 && !hosts.empty()) made.pinned = hosts[pick(hosts.size())].id;
        return made;
    }

    std::int64_t below(std::int64_t bound) {
        return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(bound));
    }
    std::size_t pick(std::size_t size) { return static_cast<std::size_t>(random_() % size); }

  private:
    HostCapacity random_host(bool alike) {
        static constexpr std::array<std::int64_t, 4> vcpus = {4, 8, 16, 96};
        HostCapacity made = host(number(), vcpus[alike ? 1 : pick(4)], 0, zone());
        made.total_memory_mib =
            made.total_vcpus * (alike ? 2048 : 1024 * (1 + below(4))) - below(2) * below(100);
        made.free_vcpus = made.total_vcpus - below(made.total_vcpus + 2);  // -1 at least
        made.free_memory_mib = made.total_memory_mib - below(5) * made.total_memory_mib / 4;
        if (below(10) == 0) made.architecture = "aarch64";
        if (below(4) == 0) made.condition = static_cast<HostCondition>(below(host_conditions));
        return made;
    }
    std::uint64_t number() { return random_() % 1'000'000'000'000'000; }
    std::string zone() { return "z" + std::to_string(1 + below(3)); }

    std::mt19937_64 random_;
};

// The slow way: every host looked at for every instance. Shares score.h with place() and nothing else.
class LinearScan {
  public:
    LinearScan(std::vector<HostCapacity> hosts, const Request& wanted)
        : hosts_(std::move(hosts)), wanted_(wanted), taken_(hosts_.size()) {}

    // Up to max_count hosts in `zone`, each claimed in this object's copy.
    std::vector<HostId> fill(const std::string& zone) {
        std::vector<HostId> plan;
        while (std::ssize(plan) < wanted_.max_count) {
            const std::optional<std::size_t> best = best_host(zone);
            if (!best) break;
            ++taken_[*best];
            hosts_[*best].free_vcpus -= wanted_.vcpus;
            hosts_[*best].free_memory_mib -= wanted_.memory_mib;
            plan.push_back(hosts_[*best].id);
        }
        return plan;
    }

    bool passes(const HostCapacity& one, const std::string& zone) const {
        return one.zone == zone && one.architecture == wanted_.architecture &&
               one.condition == HostCondition::ok;
    }
    bool fits(const HostCapacity& one) const {
        return one.free_vcpus >= wanted_.vcpus && one.free_memory_mib >= wanted_.memory_mib;
    }

  private:
    struct Rank {
        std::int64_t taken;
        std::int64_t cost;
        std::uint64_t ring;
        auto operator<=>(const Rank&) const = default;
    };

    std::optional<std::size_t> best_host(const std::string& zone) const {
        std::optional<std::size_t> best;
        for (std::size_t i = 0; i < hosts_.size(); ++i) {
            if (!passes(hosts_[i], zone) || !fits(hosts_[i])) continue;
            if (!best || rank(i) < rank(*best)) best = i;
        }
        return best;
    }

    Rank rank(std::size_t i) const {
        const HostCapacity& one = hosts_[i];
        const Shape shape(one.total_vcpus, one.total_memory_mib);
        const Leftover left =
            shape.leftover(one.free_vcpus - wanted_.vcpus, one.free_memory_mib - wanted_.memory_mib);
        return {wanted_.strategy == Strategy::spread ? taken_[i] : 0, cost(wanted_.strategy, left),
                order_of(one.id) - start_of(wanted_.seed)};
    }

    std::vector<HostCapacity> hosts_;
    Request wanted_;
    std::vector<std::int64_t> taken_;
};

}  // namespace lodge::scheduler::placement_tests
