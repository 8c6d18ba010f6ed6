// Why there is no room: the counts and the sentence.
#include "scheduler/placement/no_capacity.h"

#include <gtest/gtest.h>

#include "tests/unit/scheduler/placement_cluster.h"

namespace lodge::scheduler {
namespace {

using placement_tests::host;
using placement_tests::host_id;
using placement_tests::index_of;
using placement_tests::request;

// A host of 16 vCPUs and 65536 MiB with so much free.
HostCapacity busy(std::uint64_t number, std::int64_t vcpus, std::int64_t memory_mib,
                  HostCondition condition = HostCondition::ok) {
    HostCapacity made = host(number, 16, 65536);
    made.free_vcpus = vcpus;
    made.free_memory_mib = memory_mib;
    made.condition = condition;
    return made;
}

std::string refusal(const std::vector<HostCapacity>& hosts, const Request& wanted) {
    const auto plan = place(index_of(hosts), wanted);
    return plan ? "placed" : sentence(plan.error());
}

TEST(NoCapacity, EveryHostIsCountedOnceByItsFirstFilter) {
    std::vector<HostCapacity> hosts = {busy(1, 16, 65536, HostCondition::draining),
                                       busy(2, 16, 65536, HostCondition::draining),
                                       busy(3, 16, 65536, HostCondition::unreachable)};
    for (std::uint64_t i = 10; i < 16; ++i) hosts.push_back(busy(i, 16, 1024));
    for (std::uint64_t i = 20; i < 23; ++i) hosts.push_back(busy(i, 2, 8192));
    EXPECT_EQ(
        refusal(hosts, request(4, 16384, 3)),
        "There is no host for 3 x (4 vCPU, 16384 MiB): of 12 hosts 2 are draining, 1 is unreachable, 6 lack "
        "memory, 3 lack vCPUs; the nearest has 2 vCPUs and 8192 MiB free.");
}

TEST(NoCapacity, NamesZoneArchitectureAndHypervisor) {
    std::vector<HostCapacity> hosts = {host(1, 16, 65536, "z2"), host(2, 16, 65536, "z2"), host(3, 16, 65536),
                                       busy(4, 16, 65536, HostCondition::hypervisor_down)};
    hosts[2].architecture = "aarch64";
    EXPECT_EQ(
        refusal(hosts, request(1, 1024)),
        "There is no host for 1 x (1 vCPU, 1024 MiB): of 4 hosts 2 are in another zone, 1 is of another "
        "architecture, 1 has no working hypervisor.");
}

TEST(NoCapacity, FewHosts) {
    EXPECT_EQ(refusal({}, request(1, 1024)),
              "There is no host for 1 x (1 vCPU, 1024 MiB): no host has joined.");
    EXPECT_EQ(
        refusal({busy(1, 1, 64)}, request(1, 1024)),
        "There is no host for 1 x (1 vCPU, 1024 MiB): the only host lacks memory; the nearest has 1 vCPU and "
        "64 MiB free.");
    EXPECT_EQ(refusal({busy(1, 9, 64, HostCondition::draining), busy(2, 9, 64, HostCondition::draining)},
                      request(1, 1024)),
              "There is no host for 1 x (1 vCPU, 1024 MiB): all 2 hosts are draining.");
    EXPECT_EQ(refusal({busy(1, 9, 64, HostCondition::low_disk)}, request(1, 1024)),
              "There is no host for 1 x (1 vCPU, 1024 MiB): the only host is short of disk space.");
}

TEST(NoCapacity, SaysHowManyThereWouldBeRoomFor) {
    EXPECT_EQ(refusal({busy(1, 4, 8192), busy(2, 2, 4096)}, request(2, 4096, 4)),
              "One zone has room for only 3 of 4 x (2 vCPU, 4096 MiB): all 2 hosts have room; after that the "
              "nearest has 0 vCPUs and 0 MiB free.");
    EXPECT_EQ(
        refusal({busy(1, 5, 8192), busy(2, 1, 4095)}, request(2, 4096, 3)),
        "One zone has room for only 2 of 3 x (2 vCPU, 4096 MiB): of 2 hosts 1 lacks vCPUs, 1 has room; after "
        "that the nearest has 1 vCPU and 4095 MiB free.");
}

TEST(NoCapacity, NearestIsTheOneWhoseScarcerResourceIsLeastScarce) {
    const auto plan =
        place(index_of({busy(1, 16, 1024), busy(2, 3, 65536), busy(3, 2, 65536)}), request(4, 16384));
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().nearest->host, host_id(2));
}

TEST(NoCapacity, NearestHasNoLessThanNothing) {
    EXPECT_EQ(
        refusal({busy(1, -3, -64)}, request(1, 1024)),
        "There is no host for 1 x (1 vCPU, 1024 MiB): the only host lacks vCPUs; the nearest has 0 vCPUs and "
        "0 MiB free.");
}

TEST(NoCapacity, DisksHaveRoomForSoMany) {
    const auto index = index_of({host(1, 64, 65536), host(2, 64, 65536), host(3, 64, 65536)});
    auto wanted = request(1, 1024, 5);
    wanted.disk_room = std::make_shared<const std::unordered_map<HostId, std::int64_t>>(
        std::unordered_map<HostId, std::int64_t>{{host_id(1), 0}, {host_id(2), 2}});
    const auto plan = place(index, wanted);
    ASSERT_TRUE(plan);
    EXPECT_EQ(std::count(plan->hosts.begin(), plan->hosts.end(), host_id(1)), 0);
    EXPECT_LE(std::count(plan->hosts.begin(), plan->hosts.end(), host_id(2)), 2);
    wanted.disk_room = std::make_shared<const std::unordered_map<HostId, std::int64_t>>(
        std::unordered_map<HostId, std::int64_t>{{host_id(1), 0}, {host_id(2), 2}, {host_id(3), 1}});
    const auto none = place(index, wanted);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().could_place, 3);
    EXPECT_EQ(none.error().disk_short, 1);
    EXPECT_NE(sentence(none.error()).find("1 lacks disk space"), std::string::npos) << sentence(none.error());
}

TEST(NoCapacity, Pinned) {
    const auto pinned = [](std::uint64_t number, std::int64_t count) {
        Request wanted = request(2, 4096, count);
        wanted.pinned = host_id(number);
        return wanted;
    };
    std::vector<HostCapacity> hosts = {busy(1, 1, 8192), busy(2, 2, 8192),
                                       busy(3, 16, 65536, HostCondition::unreachable),
                                       host(4, 9, 9999, "z2")};
    EXPECT_EQ(
        refusal(hosts, pinned(1, 1)),
        "The host that holds the instance's disk has 1 vCPU and 8192 MiB free, too little for 1 x (2 vCPU, "
        "4096 MiB).");
    EXPECT_EQ(refusal(hosts, pinned(2, 2)),
              "The host that holds the instance's disk has room for only 1 of 2 x (2 vCPU, 4096 MiB).");
    EXPECT_EQ(refusal(hosts, pinned(3, 1)), "The host that holds the instance's disk is unreachable.");
    EXPECT_EQ(refusal(hosts, pinned(4, 1)), "The host that holds the instance's disk is in another zone.");
    EXPECT_EQ(refusal(hosts, pinned(5, 1)), "The host that holds the instance's disk is not there any more.");
}

}  // namespace
}  // namespace lodge::scheduler
