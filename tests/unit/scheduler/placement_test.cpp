// place(): what it chooses, and that it chooses as a scan of every host would.
#include "scheduler/placement/place.h"

#include <gmock/gmock.h>

#include <set>

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
using ::testing::SizeIs;

HostCapacity with_free(HostCapacity one, std::int64_t vcpus, std::int64_t memory_mib) {
    one.free_vcpus = vcpus;
    one.free_memory_mib = memory_mib;
    return one;
}

std::string in_words(const tl::expected<Plan, NoCapacity>& result) {
    if (!result) return sentence(result.error());
    std::string text = result->zone;
    for (const HostId& id : result->hosts) text += " " + id.str();
    return text;
}

// Best fit and spread.

TEST(Place, BestFitTakesTheFullestHost) {
    const CapacityIndex index = index_of({host(1, 16, 65536), with_free(host(2, 16, 65536), 4, 16384),
                                          with_free(host(3, 16, 65536), 8, 32768)});
    EXPECT_THAT(place(index, request(2, 8192))->hosts, ElementsAre(host_id(2)));
}

TEST(Place, BestFitLeavesHostsInProportion) {
    // The same sum is left over, but host 1 would keep 8 vCPUs without memory.
    const CapacityIndex index =
        index_of({with_free(host(1, 16, 65536), 10, 8192), with_free(host(2, 16, 65536), 6, 24576)});
    EXPECT_THAT(place(index, request(2, 8192))->hosts, ElementsAre(host_id(2)));
}

TEST(Place, BestFitMeasuresByTheHostsOwnSize) {
    // 2 of 4 vCPUs left is more of a host than 4 of 64.
    const CapacityIndex index = index_of({host(1, 4, 16384), with_free(host(2, 64, 262144), 6, 24576)});
    EXPECT_THAT(place(index, request(2, 8192))->hosts, ElementsAre(host_id(2)));
}

TEST(Place, BestFitFillsAHostBeforeTheNext) {
    const CapacityIndex index = index_of({host(1, 4, 16384), host(2, 4, 16384), host(3, 4, 16384)});
    const auto plan = place(index, request(2, 8192, 4));
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->hosts[0], plan->hosts[1]);
    EXPECT_EQ(plan->hosts[2], plan->hosts[3]);
    EXPECT_NE(plan->hosts[1], plan->hosts[2]);
}

TEST(Place, SpreadTakesTheEmptiestHostAndEachOnceBeforeAnyTwice) {
    const CapacityIndex index = index_of({with_free(host(1, 16, 65536), 6, 24576), host(2, 16, 65536),
                                          with_free(host(3, 16, 65536), 8, 32768)});
    Request wanted = request(2, 8192, 4);
    wanted.strategy = Strategy::spread;
    EXPECT_THAT(place(index, wanted)->hosts, ElementsAre(host_id(2), host_id(3), host_id(1), host_id(2)));
}

TEST(Place, SeedChoosesAmongEquals) {
    std::vector<HostCapacity> hosts;
    for (std::uint64_t i = 0; i < 10; ++i) hosts.push_back(host(i, 4, 16384));
    const CapacityIndex index = index_of(hosts);
    std::set<HostId> chosen;
    Request wanted = request(1, 1024);
    for (wanted.seed = 0; wanted.seed < 200; ++wanted.seed) chosen.insert(place(index, wanted)->hosts[0]);
    EXPECT_THAT(chosen, SizeIs(10));
}

// Counts, zones, pinned.

TEST(Place, AtLeastMinOrNothingAtMostMax) {
    const CapacityIndex index = index_of({host(1, 4, 16384)});
    Request wanted = request(1, 1024);
    wanted.min_count = 2;
    wanted.max_count = 3;
    EXPECT_THAT(place(index, wanted)->hosts, SizeIs(3));
    wanted.max_count = 9;
    EXPECT_THAT(place(index, wanted)->hosts, SizeIs(4));
    wanted.min_count = 5;
    EXPECT_EQ(place(index, wanted).error().could_place, 4);
}

TEST(Place, CountsAndAmountsOutsideTheirRangeAreBroughtInside) {
    const CapacityIndex index = index_of({host(1, 4, 16384)});
    Request wanted = request(-7, 0);
    wanted.min_count = wanted.max_count = -3;
    EXPECT_THAT(place(index, wanted)->hosts, SizeIs(1));
    wanted = request(std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max());
    wanted.max_count = std::numeric_limits<std::int64_t>::max();
    EXPECT_FALSE(place(index, wanted));
}

Request in_any_zone(Request wanted) {
    wanted.zone.clear();
    wanted.zones = {"z1", "z2", "z3"};
    return wanted;
}

TEST(Place, AllInTheZoneThatHoldsMost) {
    const CapacityIndex index =
        index_of({host(1, 8, 32768, "z1"), host(2, 3, 12288, "z2"), host(3, 3, 12288, "z2")});
    Request wanted = in_any_zone(request(3, 12288));
    wanted.max_count = 5;
    const auto plan = place(index, wanted);
    EXPECT_EQ(plan->zone, "z1");  // more free, though both hold two
    EXPECT_THAT(plan->hosts, ElementsAre(host_id(1), host_id(1)));

    wanted.vcpus = 2;
    wanted.memory_mib = 30000;
    EXPECT_EQ(place(index, wanted)->zone, "z1");
    wanted = in_any_zone(request(3, 4096, 3));
    EXPECT_EQ(place(index, wanted).error().could_place, 2);  // never two zones together
}

TEST(Place, EqualZonesByRoomThenName) {
    const CapacityIndex index =
        index_of({host(1, 8, 32768, "z3"), host(2, 16, 32768, "z2"), host(3, 8, 32768, "z1")});
    EXPECT_EQ(place(index, in_any_zone(request(1, 1024)))->zone, "z2");
    EXPECT_EQ(place(index, in_any_zone(request(1, 8192)))->zone, "z1");  // memory decides: all alike
}

TEST(Place, OnlyTheZonesGiven) {
    const CapacityIndex index = index_of({host(1, 8, 32768, "z1")});
    Request wanted = request(1, 1024);
    wanted.zone.clear();
    EXPECT_EQ(place(index, wanted).error().zone, 1);
    wanted.zones = {"z2"};
    EXPECT_FALSE(place(index, wanted));
    wanted.zones = {"z2", "z1"};
    EXPECT_EQ(place(index, wanted)->zone, "z1");
}

TEST(Place, PinnedTakesThatHostOrNone) {
    const CapacityIndex index = index_of({host(1, 4, 16384), with_free(host(2, 16, 65536), 2, 8192)});
    Request wanted = request(1, 4096);
    wanted.pinned = host_id(2);
    wanted.max_count = 3;
    EXPECT_THAT(place(index, wanted)->hosts, ElementsAre(host_id(2), host_id(2)));
    wanted.zone.clear();  // the disk decides
    EXPECT_EQ(place(index, wanted)->zone, "z1");
    wanted.min_count = 3;
    EXPECT_EQ(place(index, wanted).error().could_place, 2);
    wanted.pinned = host_id(3);
    EXPECT_EQ(place(index, wanted).error().considered, 0);
}

TEST(Place, ADrainingHostTakesBackWhatIsPinnedToIt) {
    CapacityIndex index = index_of({host(1, 4, 16384)});
    index.set_condition(host_id(1), HostCondition::draining);
    Request wanted = request(1, 4096);
    EXPECT_FALSE(place(index, wanted));
    wanted.pinned = host_id(1);
    EXPECT_THAT(place(index, wanted)->hosts, ElementsAre(host_id(1)));
    index.set_condition(host_id(1), HostCondition::hypervisor_down);
    EXPECT_FALSE(place(index, wanted));
}

TEST(Place, SameAnswerWhateverTheOrderOfPuts) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        RandomCluster random(seed);
        std::vector<HostCapacity> hosts = random.hosts();
        const Request wanted = random.request(hosts);
        const auto first = place(index_of(hosts), wanted);
        std::reverse(hosts.begin(), hosts.end());
        const auto second = place(index_of(hosts), wanted);
        ASSERT_EQ(in_words(first), in_words(second)) << "seed " << seed;
    }
}

// Against the linear scan.

// Each zone the request may use, in EC2's and our order of preference but for what it holds.
std::vector<std::string> zones_by_room(const std::vector<HostCapacity>& hosts, const Request& wanted) {
    if (!wanted.zone.empty()) return {wanted.zone};
    const LinearScan scan(hosts, wanted);
    std::vector<std::pair<std::int64_t, std::string>> rooms;
    for (const std::string& zone : std::set(wanted.zones.begin(), wanted.zones.end())) {
        std::int64_t vcpus = 0;
        std::int64_t memory_mib = 0;
        for (const HostCapacity& one : hosts) {
            if (!scan.passes(one, zone)) continue;
            vcpus += std::max<std::int64_t>(one.free_vcpus, 0);
            memory_mib += std::max<std::int64_t>(one.free_memory_mib, 0);
        }
        rooms.emplace_back(-std::min(vcpus / wanted.vcpus, memory_mib / wanted.memory_mib), zone);
    }
    std::sort(rooms.begin(), rooms.end());
    std::vector<std::string> zones;
    for (const auto& [room, zone] : rooms) zones.push_back(zone);
    return zones;
}

Plan linear_plan(const std::vector<HostCapacity>& hosts, const Request& wanted) {
    Plan best;
    for (const std::string& zone : zones_by_room(hosts, wanted)) {
        std::vector<HostId> filled = LinearScan(hosts, wanted).fill(zone);
        if (filled.size() > best.hosts.size()) best = {std::move(filled), zone, {}, {}};
    }
    return best;
}

void expect_same_counts(const std::vector<HostCapacity>& hosts, const Request& wanted,
                        const NoCapacity& why) {
    NoCapacity linear;
    const LinearScan scan(hosts, wanted);
    for (const HostCapacity& one : hosts) {
        const std::set<std::string> zones(wanted.zones.begin(), wanted.zones.end());
        if (wanted.zone.empty() ? !zones.contains(one.zone) : one.zone != wanted.zone) {
            ++linear.zone;
        } else if (one.architecture != wanted.architecture) {
            ++linear.architecture;
        } else if (one.condition != HostCondition::ok) {
            ++linear.by_condition[static_cast<std::size_t>(one.condition)];
        } else if (one.free_vcpus < wanted.vcpus) {
            ++linear.vcpus_short;
        } else if (one.free_memory_mib < wanted.memory_mib) {
            ++linear.memory_short;
        } else {
            ++linear.fitting;
        }
    }
    EXPECT_EQ(why.considered, std::ssize(hosts));
    EXPECT_EQ(why.zone, linear.zone);
    EXPECT_EQ(why.architecture, linear.architecture);
    EXPECT_EQ(why.by_condition, linear.by_condition);
    EXPECT_EQ(why.vcpus_short, linear.vcpus_short);
    EXPECT_EQ(why.memory_short, linear.memory_short);
    EXPECT_EQ(why.fitting, linear.fitting);
    EXPECT_EQ(why.nearest.has_value(), linear.vcpus_short + linear.memory_short + linear.fitting > 0);
}

// The request, as place() and as the scan answer it.
void compare_with_linear_scan(const std::vector<HostCapacity>& hosts, const Request& wanted) {
    const auto plan = place(index_of(hosts), wanted);
    const Plan linear = linear_plan(hosts, wanted);
    ASSERT_EQ(plan.has_value(), std::ssize(linear.hosts) >= wanted.min_count);
    if (plan) {
        ASSERT_EQ(plan->hosts, linear.hosts);
        ASSERT_EQ(plan->zone, linear.zone);
    } else {
        ASSERT_EQ(plan.error().could_place, std::ssize(linear.hosts));
        expect_same_counts(hosts, wanted, plan.error());
    }
}

TEST(Place, ChoosesAsALinearScanWould) {
    for (std::uint64_t seed = 0; seed < 20'000 && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RandomCluster random(seed);
        const std::vector<HostCapacity> hosts = random.hosts();
        Request wanted = random.request(hosts);
        wanted.pinned.reset();
        compare_with_linear_scan(hosts, wanted);
    }
}

TEST(Place, ChoosesAsALinearScanWouldOfManyLargeHosts) {
    for (std::uint64_t seed = 0; seed < 1000 && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RandomCluster random(seed);
        const std::vector<HostCapacity> hosts = random.large_hosts(300);
        Request wanted = request(1 + random.below(150), (1 + random.below(400)) * 1024 - random.below(2));
        wanted.strategy = random.below(2) == 0 ? Strategy::best_fit : Strategy::spread;
        wanted.max_count = 1 + random.below(20);
        wanted.seed = seed;
        compare_with_linear_scan(hosts, wanted);
    }
}

// The index lives on through claims, releases and conditions, and still answers as one built afresh.
TEST(Place, IndexThatChangedAnswersAsANewOne) {
    for (std::uint64_t seed = 0; seed < 300 && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RandomCluster random(seed);
        std::vector<HostCapacity> hosts = random.hosts();
        if (hosts.empty()) continue;
        CapacityIndex index = index_of(hosts);
        for (int step = 0; step < 60; ++step) {
            HostCapacity& one = hosts[random.pick(hosts.size())];
            const std::int64_t amount = random.below(5);
            switch (random.below(4)) {
                case 0:
                    index.set_condition(one.id, static_cast<HostCondition>(random.below(host_conditions)));
                    break;
                case 1:
                    index.release(one.id, amount, amount * 1024);
                    break;
                default:
                    index.claim(one.id, amount, amount * 1024);
            }
            one = *index.find(one.id);
        }
        const Request wanted = random.request(hosts);
        ASSERT_EQ(in_words(place(index, wanted)), in_words(place(index_of(hosts), wanted)));
    }
}

// A plan's every instance can be claimed, one after the other: the overlay took what claims take.
TEST(Place, EveryPlanCanBeClaimed) {
    for (std::uint64_t seed = 0; seed < 2000 && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RandomCluster random(seed);
        const std::vector<HostCapacity> hosts = random.hosts();
        const Request wanted = random.request(hosts);
        CapacityIndex index = index_of(hosts);
        const auto plan = place(index, wanted);
        if (!plan) continue;
        ASSERT_GE(std::ssize(plan->hosts), wanted.min_count);
        ASSERT_LE(std::ssize(plan->hosts), wanted.max_count);
        for (const HostId& id : plan->hosts) {
            ASSERT_EQ(index.find(id)->zone, plan->zone);
            ASSERT_TRUE(index.claim(id, wanted.vcpus, wanted.memory_mib));
        }
    }
}

}  // namespace
}  // namespace lodge::scheduler
