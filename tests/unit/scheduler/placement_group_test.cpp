// place() under placement groups.
#include <gmock/gmock.h>

#include <map>
#include <numeric>
#include <set>

#include "scheduler/placement/place.h"
#include "tests/unit/scheduler/placement_cluster.h"

namespace lodge::scheduler {
namespace {

using placement_tests::host;
using placement_tests::host_id;
using placement_tests::index_of;
using placement_tests::LinearScan;
using placement_tests::RandomCluster;
using placement_tests::request;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Holders = std::vector<GroupRule::Holder>;

Request in_group(GroupStrategy strategy, Holders holders, std::int64_t count = 1,
                 std::int64_t partition = 0) {
    Request made = request(2, 1024, count);
    made.group =
        GroupRule{strategy, strategy == GroupStrategy::partition ? 3 : 0, partition, std::move(holders)};
    return made;
}

Request spread(Holders holders, std::int64_t count = 1) {
    return in_group(GroupStrategy::spread, std::move(holders), count);
}

Request partitioned(Holders holders, std::int64_t count = 1, std::int64_t partition = 0) {
    return in_group(GroupStrategy::partition, std::move(holders), count, partition);
}

CapacityIndex three_hosts() {
    return index_of({host(1, 16, 16384), host(2, 16, 16384), host(3, 16, 16384)});
}

std::string refusal(const CapacityIndex& index, const Request& wanted) {
    const auto plan = place(index, wanted);
    return plan ? "there is room" : sentence(plan.error());
}

TEST(SpreadGroup, PutsEachInstanceOnAHostOfItsOwn) {
    const auto index = three_hosts();
    EXPECT_THAT(place(index, spread({}, 3))->hosts, UnorderedElementsAre(host_id(1), host_id(2), host_id(3)));
    EXPECT_THAT(place(index, spread({{host_id(1), 0}, {host_id(3), 0}}))->hosts, ElementsAre(host_id(2)));
    Request wanted = spread({}, 3);
    wanted.strategy = Strategy::spread;
    EXPECT_THAT(place(index, wanted)->hosts, UnorderedElementsAre(host_id(1), host_id(2), host_id(3)));
}

TEST(SpreadGroup, TakesAsManyAsThereAreHosts) {
    Request wanted = spread({{host_id(2), 0}}, 1);
    wanted.max_count = 9;
    EXPECT_THAT(place(three_hosts(), wanted)->hosts, UnorderedElementsAre(host_id(1), host_id(3)));
}

TEST(SpreadGroup, RefusalsNameTheGroup) {
    const auto index = three_hosts();
    EXPECT_EQ(
        refusal(index, spread({{host_id(1), 0}, {host_id(2), 0}, {host_id(3), 0}})),
        "There is no host for 1 x (2 vCPU, 1024 MiB): all 3 hosts have an instance of the spread placement "
        "group.");
    EXPECT_EQ(refusal(index, spread({{host_id(1), 0}}, 3)),
              "One zone has room for only 2 of 3 x (2 vCPU, 1024 MiB): of 3 hosts 1 has an instance of the "
              "spread placement group, 2 have room.");
}

TEST(SpreadGroup, ABarredHostIsNotTheNearest) {
    auto small = host(1, 16, 16384);
    small.free_memory_mib = 100;
    auto smaller = host(2, 16, 16384);
    smaller.free_memory_mib = 50;
    EXPECT_EQ(
        refusal(index_of({small, smaller}), spread({{host_id(1), 0}})),
        "There is no host for 1 x (2 vCPU, 1024 MiB): of 2 hosts 1 has an instance of the spread placement "
        "group, 1 lacks memory; the nearest has 16 vCPUs and 50 MiB free.");
}

TEST(SpreadGroup, AStartOnAHeldHostIsRefused) {
    const auto index = three_hosts();
    Request wanted = spread({{host_id(1), 0}});
    wanted.pinned = host_id(1);
    EXPECT_EQ(refusal(index, wanted),
              "The host that holds the instance's disk has an instance of the spread placement group.");
    wanted.pinned = host_id(2);
    EXPECT_THAT(place(index, wanted)->hosts, ElementsAre(host_id(2)));
}

TEST(ClusterGroup, StaysInItsZone) {
    const auto index = index_of({host(1, 4, 4096), host(2, 64, 65536, "z2"), host(3, 64, 65536, "z3")});
    Request wanted = in_group(GroupStrategy::cluster, {{host_id(1), 0}});
    wanted.zone.clear();
    wanted.zones = {"z1", "z2", "z3"};
    EXPECT_EQ(place(index, wanted)->zone, "z1");
    wanted.zones = {"z2"};
    EXPECT_EQ(
        refusal(index, wanted),
        "There is no host for 1 x (2 vCPU, 1024 MiB): of 3 hosts 2 are in another zone, 1 is in another "
        "zone than the placement group.");
    wanted.pinned = host_id(3);
    EXPECT_EQ(refusal(index, wanted),
              "The host that holds the instance's disk is in another zone than the placement group.");
}

TEST(ClusterGroup, FillsItsHostsFirst) {
    auto nearly_full = host(2, 16, 16384);  // which best fit would take
    nearly_full.free_vcpus = 4;
    nearly_full.free_memory_mib = 4096;
    const auto index = index_of({host(1, 16, 16384), nearly_full, host(3, 16, 16384)});
    const Holders holders = {{host_id(3), 0}, {host_id(3), 0}, {host_id(99), 0}};
    EXPECT_THAT(place(index, in_group(GroupStrategy::cluster, holders))->hosts, ElementsAre(host_id(3)));
    Request many = in_group(GroupStrategy::cluster, {}, 8);
    many.strategy = Strategy::spread;
    const auto plan = place(index, many);
    EXPECT_EQ(std::set(plan->hosts.begin(), plan->hosts.end()).size(), 1U);
    EXPECT_THAT(plan->partitions, IsEmpty());
}

TEST(PartitionGroup, SpreadsOverPartitionsEvenly) {
    const auto plan = place(three_hosts(), partitioned({}, 6));
    std::map<std::int64_t, std::set<HostId>> hosts;
    for (std::size_t i = 0; i < 6; ++i) hosts[plan->partitions[i]].insert(plan->hosts[i]);
    ASSERT_EQ(hosts.size(), 3U);
    for (const auto& [number, held] : hosts) EXPECT_EQ(held.size(), 1U) << number;
    EXPECT_THAT(place(three_hosts(), partitioned({{host_id(1), 1}, {host_id(2), 3}}))->partitions,
                ElementsAre(2));
}

TEST(PartitionGroup, SharesHostsInsideAPartitionOnly) {
    const auto index = three_hosts();
    const Holders holders = {{host_id(1), 1}, {host_id(2), 2}};
    Request wanted = partitioned(holders, 1, 1);
    wanted.max_count = 99;
    const auto plan = place(index, wanted);
    EXPECT_THAT(std::set(plan->hosts.begin(), plan->hosts.end()), ElementsAre(host_id(1), host_id(3)));
    EXPECT_EQ(plan->partitions, std::vector<std::int64_t>(plan->hosts.size(), 1));
    const Holders all = {{host_id(1), 1}, {host_id(2), 2}, {host_id(3), 2}};
    EXPECT_EQ(
        refusal(index, partitioned(all, 1, 3)),
        "There is no host for 1 x (2 vCPU, 1024 MiB): all 3 hosts have another partition of the placement "
        "group.");
    // Without a number there is room: in the partitions that hold the hosts.
    EXPECT_THAT(place(index, partitioned(all))->partitions, ElementsAre(1));
}

TEST(PartitionGroup, CountsByZone) {
    const auto index = index_of({host(1, 16, 16384), host(2, 16, 16384, "z2"), host(3, 16, 16384)});
    EXPECT_THAT(place(index, partitioned({{host_id(2), 1}, {host_id(2), 1}}))->partitions, ElementsAre(1));
}

TEST(PartitionGroup, StartsGoBackToTheirPartition) {
    const auto index = three_hosts();
    Request wanted = partitioned({{host_id(1), 2}}, 1, 2);
    wanted.pinned = host_id(1);
    EXPECT_THAT(place(index, wanted)->partitions, ElementsAre(2));
    wanted.group->partition = 1;
    EXPECT_EQ(refusal(index, wanted),
              "The host that holds the instance's disk has another partition of the placement group.");
    wanted.group->partition = 0;  // put into the group while stopped
    EXPECT_THAT(place(index, wanted)->partitions, ElementsAre(2));
    wanted.pinned = host_id(3);
    EXPECT_THAT(place(index, wanted)->partitions, ElementsAre(1));
}

// --- Random groups over random clusters

class RandomGroup {
  public:
    explicit RandomGroup(std::uint64_t seed) : random_(seed), hosts_(random_.hosts()) {
        wanted_ = random_.request(hosts_);
        wanted_.pinned.reset();
        wanted_.zone = "z1";
        wanted_.group.emplace();
        wanted_.group->strategy = static_cast<GroupStrategy>(random_.below(3));
        if (wanted_.group->strategy == GroupStrategy::partition) {
            wanted_.group->partitions = 1 + random_.below(4);
            wanted_.group->partition = random_.below(wanted_.group->partitions + 1);
        }
        hold_some();
    }

    void run() {
        const auto plan = place(index_of(hosts_), wanted_);
        if (plan) return check(*plan);
        check(plan.error());
        EXPECT_LT(most(), wanted_.min_count);
    }

  private:
    void hold_some() {
        auto& group = *wanted_.group;
        for (const HostCapacity& one : hosts_) {
            if (random_.below(3) != 0 || (group.strategy == GroupStrategy::cluster && one.zone != "z1"))
                continue;
            std::int64_t number = group.partitions > 0 ? 1 + random_.below(group.partitions) : 0;
            group.holders.push_back({one.id, number});
            held_.emplace(one.id, number);
        }
    }

    bool barred(const HostId& id) const {
        auto found = held_.find(id);
        if (found == held_.end()) return false;
        const auto& group = *wanted_.group;
        return group.strategy == GroupStrategy::spread ||
               (group.strategy == GroupStrategy::partition && group.partition != 0 &&
                found->second != group.partition);
    }

    // How many a scan of every host would place.
    std::int64_t most() const {
        std::vector<HostCapacity> open;
        for (const HostCapacity& one : hosts_)
            if (!barred(one.id)) open.push_back(one);
        LinearScan scan(open, wanted_);
        if (wanted_.group->strategy != GroupStrategy::spread) return std::ssize(scan.fill("z1"));
        auto fits = [&](const HostCapacity& one) { return scan.passes(one, "z1") && scan.fits(one); };
        return std::min<std::int64_t>(std::count_if(open.begin(), open.end(), fits), wanted_.max_count);
    }

    void check(const Plan& plan) {
        EXPECT_EQ(std::ssize(plan.hosts), most());
        std::map<HostId, std::int64_t> holding = held_;
        std::set<HostId> seen;
        for (std::size_t i = 0; i < plan.hosts.size(); ++i) {
            const HostId& id = plan.hosts[i];
            EXPECT_FALSE(barred(id));
            bool again = !seen.insert(id).second;
            EXPECT_FALSE(again && wanted_.group->strategy == GroupStrategy::spread);
            if (wanted_.group->strategy != GroupStrategy::partition) continue;
            EXPECT_EQ(holding.emplace(id, plan.partitions[i]).first->second, plan.partitions[i]);
        }
    }

    static void check(const NoCapacity& why) {
        auto conditions = std::accumulate(why.by_condition.begin(), why.by_condition.end(), std::int64_t{0});
        EXPECT_EQ(why.considered, why.zone + why.group_zone + why.architecture + conditions +
                                      why.group_hosts + why.group_partitions + why.vcpus_short +
                                      why.memory_short + why.fitting)
            << sentence(why);
        EXPECT_GE(std::min({why.vcpus_short, why.memory_short, why.fitting}), 0);
    }

    RandomCluster random_;
    std::vector<HostCapacity> hosts_;
    Request wanted_;
    std::map<HostId, std::int64_t> held_;
};

TEST(RandomGroups, AreKeptAndFilled) {
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        SCOPED_TRACE(seed);
        RandomGroup(seed).run();
    }
}

}  // namespace
}  // namespace lodge::scheduler
