#include "scheduler/placement/capacity_index.h"

#include <gtest/gtest.h>

#include "tests/unit/scheduler/placement_cluster.h"

namespace lodge::scheduler {
namespace {

using placement_tests::host;
using placement_tests::host_id;
using placement_tests::index_of;
using placement_tests::RandomCluster;

std::string seen(const Level& level) {
    std::string text =
        " level " + std::to_string(level.free_vcpus()) + " of " + std::to_string(level.hosts());
    for (const Spots& bucket : level.buckets()) {
        text += " |";
        for (const Spot& spot : bucket) {
            text += " " + std::to_string(spot.free_memory_mib) + "@" + spot.host->capacity.id.str();
        }
    }
    return text;
}

// Everything place() can see of an index.
std::string seen(const CapacityIndex& index) {
    std::string text;
    for (const auto& [name, partition] : index.partitions()) {
        text += partition.zone + "/" + partition.architecture;
        for (const std::int64_t hosts : partition.hosts_by_condition) text += " " + std::to_string(hosts);
        text +=
            " free " + std::to_string(partition.free_vcpus) + "," + std::to_string(partition.free_memory_mib);
        for (const auto& [shape, levels] : partition.free_hosts.shapes()) {
            text += "\n" + std::to_string(shape.vcpus()) + "x" + std::to_string(shape.memory_mib()) + ":";
            for (const Level& level : levels) text += seen(level);
        }
        text += "\n";
    }
    return text;
}

TEST(CapacityIndex, FindsWhatWasPut) {
    const CapacityIndex index = index_of({host(1, 4, 16384), host(2, 8, 16384)});
    EXPECT_EQ(*index.find(host_id(2)), host(2, 8, 16384));
    EXPECT_EQ(index.find(host_id(3)), nullptr);
    EXPECT_EQ(index.size(), 2);
}

TEST(CapacityIndex, PutReplacesAndRemoveForgets) {
    CapacityIndex index = index_of({host(1, 4, 16384)});
    HostCapacity moved = host(1, 8, 32768, "z2");
    moved.condition = HostCondition::draining;
    index.put(moved);
    EXPECT_EQ(seen(index), seen(index_of({moved})));
    EXPECT_TRUE(index.remove(host_id(1)));
    EXPECT_FALSE(index.remove(host_id(1)));
    EXPECT_EQ(seen(index), "");
}

TEST(CapacityIndex, PutReplacesAHostByItsOwnRecord) {
    CapacityIndex index = index_of({host(1, 4, 16384)});
    index.put(*index.find(host_id(1)));
    EXPECT_EQ(seen(index), seen(index_of({host(1, 4, 16384)})));
}

TEST(CapacityIndex, PutBringsAmountsIntoRange) {
    CapacityIndex index;
    HostCapacity odd = host(1, -5, std::numeric_limits<std::int64_t>::max());
    odd.free_vcpus = 3;
    index.put(odd);
    EXPECT_EQ(index.find(host_id(1))->total_vcpus, 0);
    EXPECT_EQ(index.find(host_id(1))->free_vcpus, 0);
    EXPECT_EQ(index.find(host_id(1))->free_memory_mib, max_total);
}

TEST(CapacityIndex, ClaimTakesOnlyWhatIsFreeOnAWellHost) {
    CapacityIndex index = index_of({host(1, 4, 16384)});
    EXPECT_TRUE(index.claim(host_id(1), 3, 16384));
    EXPECT_FALSE(index.claim(host_id(1), 2, 0));
    EXPECT_FALSE(index.claim(host_id(1), 1, 1));
    EXPECT_FALSE(index.claim(host_id(1), -1, 0));
    EXPECT_FALSE(index.claim(host_id(2), 1, 0));
    for (const auto condition : {HostCondition::unreachable, HostCondition::hypervisor_down}) {
        EXPECT_TRUE(index.set_condition(host_id(1), condition));
        EXPECT_FALSE(index.claim(host_id(1), 1, 0));
    }
    EXPECT_TRUE(index.set_condition(host_id(1), HostCondition::draining));
    EXPECT_TRUE(index.claim(host_id(1), 1, 0)) << "an instance comes back to its disk";
    EXPECT_EQ(index.find(host_id(1))->free_vcpus, 0);
}

TEST(CapacityIndex, ReleaseNeverGivesMoreThanThereIs) {
    CapacityIndex index = index_of({host(1, 4, 16384)});
    EXPECT_TRUE(index.claim(host_id(1), 2, 4096));
    EXPECT_FALSE(index.release(host_id(1), 3, 4096));
    EXPECT_FALSE(index.release(host_id(1), 2, 4097));
    EXPECT_FALSE(index.release(host_id(1), -1, 0));
    EXPECT_FALSE(index.release(host_id(2), 1, 1));
    index.set_condition(host_id(1), HostCondition::unreachable);
    EXPECT_TRUE(index.release(host_id(1), 2, 4096));
    EXPECT_EQ(index.find(host_id(1))->free_vcpus, 4);
}

TEST(CapacityIndex, ReleaseBringsAnOvercommittedHostBack) {
    HostCapacity shrunk = host(1, 4, 16384);
    shrunk.free_vcpus = -2;
    CapacityIndex index = index_of({shrunk});
    EXPECT_TRUE(index.release(host_id(1), 6, 0));
    EXPECT_EQ(seen(index), seen(index_of({host(1, 4, 16384)})));
}

TEST(CapacityIndex, ReleasingEveryClaimRestoresTheIndexExactly) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        RandomCluster random(seed);
        const std::vector<HostCapacity> hosts = random.hosts();
        if (hosts.empty()) continue;
        CapacityIndex index = index_of(hosts);
        const std::string before = seen(index);
        std::vector<std::pair<HostId, std::int64_t>> claims;
        for (int i = 0; i < 50; ++i) {
            const HostId id = hosts[random.pick(hosts.size())].id;
            const std::int64_t amount = random.below(4);
            if (index.claim(id, amount, amount * 512)) claims.emplace_back(id, amount);
        }
        std::reverse(claims.begin(), claims.end());
        for (const auto& [id, amount] : claims) EXPECT_TRUE(index.release(id, amount, amount * 512));
        ASSERT_EQ(seen(index), before) << "seed " << seed;
    }
}

TEST(CapacityIndex, MovingItKeepsItWhole) {
    CapacityIndex index = index_of({host(1, 4, 16384), host(2, 8, 32768)});
    const std::string before = seen(index);
    CapacityIndex moved = std::move(index);
    EXPECT_TRUE(moved.claim(host_id(1), 1, 1));
    EXPECT_TRUE(moved.release(host_id(1), 1, 1));
    EXPECT_EQ(seen(moved), before);
}

TEST(MemoryBuckets, SayWhatIsThereToABucket) {
    for (const std::int64_t most_mib : {1, 511, 512, 258'048, 1'048'576}) {
        std::mt19937_64 random(static_cast<std::uint64_t>(most_mib));
        MemoryBuckets buckets(most_mib);
        EXPECT_EQ(buckets.floor_from(0), std::nullopt);
        EXPECT_EQ(buckets.ceiling_from(0), std::nullopt);
        const std::int64_t width_mib = std::max<std::int64_t>(1, most_mib / 256);
        for (int i = 0; i < 500; ++i) {
            const auto there = static_cast<std::int64_t>(random()) % (most_mib + 1);
            const std::int64_t mib = std::max<std::int64_t>(there, 0);
            buckets.add(there);
            EXPECT_TRUE(buckets.has(mib));
            EXPECT_EQ(buckets.count_below(there), 0U);
            EXPECT_EQ(buckets.count_below(most_mib), buckets.has(most_mib) ? 0U : 1U);
            EXPECT_LE(buckets.floor_from(0), mib);
            EXPECT_GT(*buckets.floor_from(mib) + width_mib, mib);
            EXPECT_GT(buckets.ceiling_from(mib), mib);
            EXPECT_LE(*buckets.ceiling_from(0) - width_mib, mib);
            buckets.remove(there);
            EXPECT_FALSE(buckets.has(mib));
            EXPECT_EQ(buckets.floor_from(0), std::nullopt);
        }
    }
}

TEST(Score, NominalTotalsAreAtMostAThirtiethAbove) {
    EXPECT_EQ(nominal(0), 1);
    for (std::int64_t total = 1; total <= 64; ++total) EXPECT_EQ(nominal(total), total);
    for (std::int64_t total = 65; total < max_total; total += 1 + total / 77) {
        EXPECT_GE(nominal(total), total);
        EXPECT_LE(nominal(total) - total, total / 30);
        EXPECT_LE(nominal(total), nominal(total + 1));
    }
    EXPECT_EQ(nominal(max_total), max_total);
    EXPECT_EQ(nominal(515'000), nominal(515'900));  // one model, two kernels
}

TEST(Score, IsStrictlyMonotoneInEitherResource) {
    const Shape shape(96, 393'216);
    for (std::int64_t vcpus = 0; vcpus < 96; ++vcpus) {
        for (std::int64_t memory_mib = 0; memory_mib < 393'216; memory_mib += 1723) {
            const Leftover here = shape.leftover(vcpus, memory_mib);
            for (const Leftover more :
                 {shape.leftover(vcpus + 1, memory_mib), shape.leftover(vcpus, memory_mib + 1)}) {
                ASSERT_LT(cost(Strategy::best_fit, here), cost(Strategy::best_fit, more));
                ASSERT_GT(cost(Strategy::spread, here), cost(Strategy::spread, more));
            }
        }
    }
}

}  // namespace
}  // namespace lodge::scheduler
