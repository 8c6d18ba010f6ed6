// place() with room that capacity reservations hold, and with pools of hosts.
#include <gmock/gmock.h>

#include <map>
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

CapacityReservationId reservation(int number) {
    return CapacityReservationId::trusted("cr-" + std::to_string(number));
}

Reserved room(int number, std::uint64_t host, std::int64_t instances = 1) {
    return {reservation(number), host_id(host), instances};
}

HostCapacity full(std::uint64_t number, const std::string& zone = "z1") {
    auto made = host(number, 16, 16384, zone);
    made.free_vcpus = made.free_memory_mib = 0;
    return made;
}

Request with_rooms(std::vector<Reserved> rooms, std::int64_t count = 1) {
    auto made = request(2, 1024, count);
    made.reserved = std::move(rooms);
    return made;
}

TEST(ReservedRoom, IsTakenFirstAndInOrder) {
    const auto index = index_of({full(1), full(2), host(3, 16, 16384)});
    const auto plan = place(index, with_rooms({room(7, 2), room(8, 1, 2)}, 4));
    ASSERT_TRUE(plan);
    EXPECT_THAT(plan->hosts, ElementsAre(host_id(2), host_id(1), host_id(1), host_id(3)));
    EXPECT_THAT(plan->reservations, ElementsAre(reservation(7), reservation(8), reservation(8)));
}

TEST(ReservedRoom, IsNotTakenOnHostsThatTakeNoGuests) {
    auto draining = full(1);
    draining.condition = HostCondition::draining;
    const auto index = index_of({draining, full(2, "z2"), host(3, 16, 16384)});
    const auto plan = place(index, with_rooms({room(7, 1), room(7, 2), room(7, 99)}));
    ASSERT_TRUE(plan);
    EXPECT_THAT(plan->hosts, ElementsAre(host_id(3)));
    EXPECT_THAT(plan->reservations, IsEmpty());
}

TEST(ReservedRoom, MayBeAllThereIs) {
    const auto index = index_of({full(1), host(2, 16, 16384)});
    auto wanted = with_rooms({room(7, 1, 2)}, 2);
    wanted.reserved_only = true;
    EXPECT_THAT(place(index, wanted)->hosts, ElementsAre(host_id(1), host_id(1)));
    wanted.min_count = wanted.max_count = 3;
    const auto plan = place(index, wanted);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().could_place, 2);
}

TEST(ReservedRoom, DecidesTheZone) {
    auto wanted = with_rooms({room(7, 1)});
    wanted.zone.clear();
    wanted.zones = {"z1", "z2"};
    const auto index = index_of({full(1), host(2, 64, 65536, "z2")});
    EXPECT_EQ(place(index, wanted)->zone, "z1");
    wanted.min_count = wanted.max_count = 2;  // but only if it holds as many
    EXPECT_EQ(place(index, wanted)->zone, "z2");
}

TEST(ReservedRoom, KeepsToTheGroup) {
    const auto index = index_of({full(1), full(2), host(3, 16, 16384)});
    auto wanted = with_rooms({room(7, 1, 3), room(7, 2, 3)}, 3);
    wanted.group = GroupRule{GroupStrategy::spread, 0, 0, {}};
    EXPECT_THAT(place(index, wanted)->hosts, ElementsAre(host_id(1), host_id(2), host_id(3)));
    wanted.group = GroupRule{GroupStrategy::partition, 2, 2, {{host_id(1), 1}}};
    EXPECT_THAT(place(index, wanted)->hosts, ElementsAre(host_id(2), host_id(2), host_id(2)));
    wanted.group = GroupRule{GroupStrategy::partition, 2, 0, {}};
    EXPECT_THAT(place(index, wanted)->partitions, ElementsAre(1, 1, 1));
    wanted.group = GroupRule{GroupStrategy::cluster, 0, 0, {{host_id(2), 0}}};
    EXPECT_THAT(place(index, wanted)->hosts, ElementsAre(host_id(2), host_id(2), host_id(2)));
}

TEST(ReservedRoom, ServesAStart) {
    const auto index = index_of({full(1), full(2)});
    auto wanted = with_rooms({room(7, 1), room(8, 2)});
    wanted.pinned = host_id(2);
    EXPECT_THAT(place(index, wanted)->reservations, ElementsAre(reservation(8)));
    wanted.reserved.pop_back();
    EXPECT_FALSE(place(index, wanted));
}

TEST(Pools, KeepHostsApart) {
    auto own = host(1, 16, 16384);
    own.pool = "mine";
    auto index = index_of({own, host(2, 4, 4096)});
    auto wanted = request(8, 1024);
    const auto refused = place(index, wanted);
    ASSERT_FALSE(refused);
    EXPECT_EQ(
        sentence(refused.error()),
        "There is no host for 1 x (8 vCPU, 1024 MiB): of 2 hosts 1 is not for this tenancy, 1 lacks vCPUs; "
        "the nearest has 4 vCPUs and 4096 MiB free.");
    wanted.pool = "mine";
    EXPECT_THAT(place(index, wanted)->hosts, ElementsAre(host_id(1)));
    wanted.pinned = host_id(2);
    EXPECT_EQ(sentence(place(index, wanted).error()),
              "The host that holds the instance's disk is not for this tenancy.");
    EXPECT_TRUE(index.set_pool(host_id(2), "mine"));
    wanted.vcpus = 2;
    EXPECT_TRUE(place(index, wanted));
    EXPECT_FALSE(index.set_pool(host_id(9), "mine"));
}

TEST(Pools, AnEmptyHostIsTheSmallestThatFits) {
    auto used = host(1, 16, 16384);
    used.free_vcpus = 15;
    auto taken = host(4, 16, 16384);
    taken.pool = "theirs";
    const auto index = index_of({used, host(2, 64, 65536), host(3, 32, 32768), taken, host(5, 4, 4096)});
    EXPECT_EQ(index.empty_host("z1", "x86_64", 8, 1024), host_id(3));
    EXPECT_EQ(index.empty_host("z1", "x86_64", 2, 1024), host_id(5));
    EXPECT_EQ(index.empty_host("z1", "x86_64", 2, 40'000), host_id(2));
    EXPECT_EQ(index.empty_host("z1", "x86_64", 65, 1024), std::nullopt);
    EXPECT_EQ(index.empty_host("z2", "x86_64", 1, 1), std::nullopt);
}

// --- Random rooms and pools over random clusters

class RandomRooms {
  public:
    explicit RandomRooms(std::uint64_t seed) : random_(seed), hosts_(random_.hosts()) {
        wanted_ = random_.request(hosts_);
        wanted_.pinned.reset();
        wanted_.zone = "z1";
        wanted_.reserved_only = random_.below(3) == 0;
        for (HostCapacity& one : hosts_) {
            if (random_.below(3) == 0) one.pool = "a";
            if (random_.below(3) == 0)
                wanted_.reserved.push_back(
                    {reservation(static_cast<int>(random_.below(3))), one.id, random_.below(4)});
        }
        if (random_.below(2) == 0) wanted_.pool = "a";
    }

    void run() const {
        const auto plan = place(index_of(hosts_), wanted_);
        const std::int64_t most = reserved_room() + free_room();
        if (!plan) {
            EXPECT_LT(most, wanted_.min_count);
            EXPECT_EQ(plan.error().could_place, most);
            return;
        }
        EXPECT_EQ(std::ssize(plan->hosts), most);
        EXPECT_EQ(std::ssize(plan->reservations), reserved_room());
        check_rooms(*plan);
    }

  private:
    std::vector<HostCapacity> open() const {
        std::vector<HostCapacity> found;
        for (const HostCapacity& one : hosts_)
            if (one.pool == wanted_.pool) found.push_back(one);
        return found;
    }
    bool is_open(const HostId& id) const {
        for (const HostCapacity& one : open())
            if (one.id == id) return LinearScan({}, wanted_).passes(one, "z1");
        return false;
    }
    std::int64_t reserved_room() const {
        std::int64_t sum = 0;
        for (const Reserved& each : wanted_.reserved)
            if (is_open(each.host)) sum += each.instances;
        return std::min(sum, wanted_.max_count);
    }
    std::int64_t free_room() const {
        if (wanted_.reserved_only || reserved_room() == wanted_.max_count) return 0;
        Request rest = wanted_;
        rest.max_count -= reserved_room();
        return std::ssize(LinearScan(open(), rest).fill("z1"));
    }
    // No room is taken more often than it is there.
    void check_rooms(const Plan& plan) const {
        std::map<std::pair<CapacityReservationId, HostId>, std::int64_t> left;
        for (const Reserved& each : wanted_.reserved) left[{each.reservation, each.host}] += each.instances;
        for (std::size_t i = 0; i < plan.reservations.size(); ++i) {
            EXPECT_TRUE(is_open(plan.hosts[i]));
            EXPECT_GE((--left[{plan.reservations[i], plan.hosts[i]}]), 0);
        }
    }

    RandomCluster random_;
    std::vector<HostCapacity> hosts_;
    Request wanted_;
};

TEST(RandomRooms, AreUsedBeforeAnyOther) {
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        SCOPED_TRACE(seed);
        RandomRooms(seed).run();
    }
}

}  // namespace
}  // namespace lodge::scheduler
