#include "agent/hypervisor/fake.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/unit/agent/specs.h"

namespace lodge::agent {
namespace {

const Capacity size{"fake-1", "x86_64", 8, 16384, "qemu"};

class FakeHypervisorTest : public ::testing::Test {
  protected:
    FakeHypervisorTest() {
        fake_.on_change([this] { ++changes_; });
    }
    std::vector<Domain> domains() { return fake_.list().value_or(std::vector<Domain>()); }
    Domain only() {
        EXPECT_EQ(domains().size(), 1U);
        return domains().empty() ? Domain() : domains().front();
    }

    ManualClock clock_{1000};
    FakeHypervisor fake_{clock_, size};
    const GuestSpec spec_ = example_guest();
    const GuestId id_ = spec_.guest_id;
    int changes_ = 0;
};

TEST_F(FakeHypervisorTest, StartsAndTellsCapacity) {
    EXPECT_EQ(fake_.capacity()->memory_mib, 16384);
    EXPECT_TRUE(domains().empty());
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    EXPECT_EQ(only().state, DomainState::running);
    EXPECT_EQ(only().instance_id, spec_.instance_id);
    EXPECT_TRUE(fake_.start(spec_, open_gate));
    EXPECT_EQ(domains().size(), 1U);
    EXPECT_GE(changes_, 1);
}

TEST_F(FakeHypervisorTest, DisksComeAndGo) {
    const DiskSpec disk{VolumeId::trusted("vol-10000000000000001"), "vdf", "/d", {}, 5};
    EXPECT_EQ(fake_.attach_disk(id_, disk).error().code, ErrorCode::incorrect_instance_state);
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    EXPECT_EQ(fake_.adjust_disk(id_, disk).error().code, ErrorCode::incorrect_instance_state);
    EXPECT_TRUE(fake_.attach_disk(id_, disk));
    EXPECT_TRUE(fake_.attach_disk(id_, disk)) << "it is there";
    EXPECT_EQ(only().disks, (std::vector{spec_.root.volume_id, disk.volume_id}));
    ASSERT_TRUE(fake_.start(numbered_guest(2), open_gate));
    EXPECT_FALSE(fake_.attach_disk(numbered_guest(2).guest_id, disk)) << "another guest has it";
    DiskSpec wanted = disk;
    wanted.size_bytes = 4;
    wanted.limits.iops = 100;
    EXPECT_TRUE(fake_.adjust_disk(id_, wanted));
    EXPECT_EQ(fake_.disk(id_, disk.volume_id)->size_bytes, 5) << "it never shrinks";
    EXPECT_EQ(fake_.disk(id_, disk.volume_id)->limits.iops, 100);
    fake_.set_clinging(id_, true);
    EXPECT_TRUE(fake_.request_detach(id_, disk.volume_id, false));
    EXPECT_TRUE(fake_.disk(id_, disk.volume_id));
    fake_.set_clinging(id_, false);
    fake_.set_mounted(id_, disk.volume_id, true);
    EXPECT_TRUE(fake_.request_detach(id_, disk.volume_id, true));
    EXPECT_TRUE(fake_.disk(id_, disk.volume_id)) << "a polite one waits until it is unmounted";
    EXPECT_TRUE(fake_.request_detach(id_, disk.volume_id, false));
    EXPECT_FALSE(fake_.disk(id_, disk.volume_id));
    EXPECT_TRUE(fake_.request_detach(id_, disk.volume_id, false));
    EXPECT_TRUE(fake_.attach_disk(numbered_guest(2).guest_id, disk));
}

TEST_F(FakeHypervisorTest, DisksAreCutTogetherAndOnce) {
    DiskSpec root = spec_.root;
    root.path = "/next";
    root.cuts = 1;
    EXPECT_EQ(fake_.cut_disks(id_, {root}).error().code, ErrorCode::incorrect_instance_state);
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    DiskSpec none = root;
    none.volume_id = VolumeId::trusted("vol-10000000000000009");
    EXPECT_FALSE(fake_.cut_disks(id_, {root, none}));
    EXPECT_TRUE(only().cuts.empty()) << "all or none";
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(fake_.cut_disks(id_, {root}));
    EXPECT_EQ(only().cuts.at(root.volume_id), 1);
    const auto disk = *fake_.disk(id_, root.volume_id);
    EXPECT_EQ(disk.path, "/next");
    ASSERT_EQ(disk.bases.size(), spec_.root.bases.size() + 1);
    EXPECT_EQ(disk.bases.front(), (BaseFile{spec_.root.path, "qcow2", true}));
}

TEST_F(FakeHypervisorTest, BootTakesItsTime) {
    FakeHypervisor slow(clock_, size, 300);
    int changes = 0;
    slow.on_change([&] { ++changes; });
    ASSERT_TRUE(slow.start(spec_, open_gate));
    EXPECT_EQ(slow.list()->front().state, DomainState::starting);
    changes = 0;
    clock_.advance_ms(299);
    slow.tick();
    EXPECT_EQ(changes, 0);
    EXPECT_EQ(slow.list()->front().state, DomainState::starting);
    clock_.advance_ms(1);
    EXPECT_EQ(slow.list()->front().state, DomainState::running);
    slow.tick();
    slow.tick();
    EXPECT_EQ(changes, 1);
}

TEST_F(FakeHypervisorTest, ShutdownEndsItWithTheGuestsReason) {
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    EXPECT_TRUE(fake_.request_shutdown(id_));
    EXPECT_EQ(only().state, DomainState::shut_off);
    EXPECT_EQ(only().end_reason, EndReason::guest_shutdown);
    EXPECT_TRUE(fake_.request_shutdown(id_));
    EXPECT_TRUE(fake_.undefine(id_));
    EXPECT_TRUE(domains().empty());
}

TEST_F(FakeHypervisorTest, DeafGuestHasToBeDestroyed) {
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    fake_.set_deaf(id_, true);
    EXPECT_TRUE(fake_.request_shutdown(id_));
    EXPECT_TRUE(fake_.request_reboot(id_));
    EXPECT_EQ(only().state, DomainState::running);
    EXPECT_EQ(fake_.reboots_seen(id_), 0);
    EXPECT_TRUE(fake_.destroy(id_));
    EXPECT_EQ(only().end_reason, EndReason::destroyed);
}

TEST_F(FakeHypervisorTest, RunningGuestIsNotUndefined) {
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    EXPECT_EQ(fake_.undefine(id_).error().code, ErrorCode::incorrect_instance_state);
    EXPECT_EQ(domains().size(), 1U);
}

TEST_F(FakeHypervisorTest, UnknownGuestsAreFineToEnd) {
    EXPECT_TRUE(fake_.request_shutdown(id_));
    EXPECT_TRUE(fake_.destroy(id_));
    EXPECT_TRUE(fake_.undefine(id_));
    EXPECT_EQ(fake_.request_reboot(id_).error().code, ErrorCode::incorrect_instance_state);
    EXPECT_EQ(fake_.reset(id_).error().code, ErrorCode::incorrect_instance_state);
    EXPECT_EQ(fake_.interrupt(id_).error().code, ErrorCode::incorrect_instance_state);
}

TEST_F(FakeHypervisorTest, AnInterruptedGuestSaysSo) {
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    EXPECT_TRUE(fake_.interrupt(id_));
    EXPECT_NE(fake_.console(spec_.instance_id).find("NMI received"), std::string::npos);
    EXPECT_EQ(only().state, DomainState::running);
}

TEST_F(FakeHypervisorTest, RebootsAreCounted) {
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    EXPECT_TRUE(fake_.request_reboot(id_));
    EXPECT_TRUE(fake_.reset(id_));
    fake_.guest_reboots(id_);
    EXPECT_EQ(fake_.reboots_seen(id_), 3);
    EXPECT_EQ(only().state, DomainState::running);
}

TEST_F(FakeHypervisorTest, StartCanBeMadeToFailOnce) {
    fake_.fail_next_start("no more memory");
    EXPECT_EQ(fake_.start(spec_, open_gate).error().message, "no more memory");
    EXPECT_TRUE(domains().empty());
    EXPECT_TRUE(fake_.start(spec_, open_gate));
}

TEST_F(FakeHypervisorTest, OneGuestOfAnInstance) {
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    GuestSpec twin = spec_;
    twin.guest_id = *GuestId::parse("g-00000000000000002");
    EXPECT_FALSE(fake_.start(twin, open_gate));
    ASSERT_TRUE(fake_.destroy(id_));
    ASSERT_TRUE(fake_.undefine(id_));
    EXPECT_TRUE(fake_.start(twin, open_gate));
}

TEST_F(FakeHypervisorTest, GuestsEndByThemselves) {
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    changes_ = 0;
    fake_.guest_powers_off(id_);
    EXPECT_EQ(only().end_reason, EndReason::guest_shutdown);
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    EXPECT_EQ(only().end_reason, EndReason::unknown);
    fake_.crash(id_);
    EXPECT_EQ(only().end_reason, EndReason::crashed);
    EXPECT_EQ(changes_, 4) << "a start makes two: held, then let run";
}

TEST_F(FakeHypervisorTest, AwayMeansEveryCall) {
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    fake_.set_unavailable(true);
    EXPECT_EQ(fake_.list().error().code, ErrorCode::service_unavailable);
    EXPECT_EQ(fake_.capacity().error().code, ErrorCode::service_unavailable);
    EXPECT_EQ(fake_.start(spec_, open_gate).error().code, ErrorCode::service_unavailable);
    EXPECT_EQ(fake_.destroy(id_).error().code, ErrorCode::service_unavailable);
    fake_.set_unavailable(false);
    EXPECT_EQ(only().state, DomainState::running);
}

TEST_F(FakeHypervisorTest, ConsoleNamesTheInstanceAndOutlivesTheGuest) {
    EXPECT_EQ(fake_.console(spec_.instance_id), "");
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    ASSERT_TRUE(fake_.request_shutdown(id_));
    ASSERT_TRUE(fake_.undefine(id_));
    const std::string console = fake_.console(spec_.instance_id);
    EXPECT_NE(console.find("instance-id i-0123456789abcdef0"), std::string::npos);
    EXPECT_NE(console.find("powering off"), std::string::npos);
    fake_.forget_console(spec_.instance_id);
    EXPECT_EQ(fake_.console(spec_.instance_id), "");
}

TEST_F(FakeHypervisorTest, ConsoleIsBounded) {
    ASSERT_TRUE(fake_.start(spec_, open_gate));
    for (int i = 0; i < 2000; ++i) fake_.guest_reboots(id_);
    EXPECT_LE(fake_.console(spec_.instance_id).size(), 64U * 1024U);
}

TEST_F(FakeHypervisorTest, ManyThreads) {
    fake_.on_change({});
    std::vector<std::thread> threads;
    for (int n = 0; n < 8; ++n) {
        threads.emplace_back([this, n] {
            const GuestSpec spec = numbered_guest(n);
            for (int i = 0; i < 200; ++i) {
                EXPECT_TRUE(fake_.start(spec, open_gate));
                EXPECT_TRUE(fake_.list());
                fake_.tick();
                EXPECT_TRUE(fake_.destroy(spec.guest_id));
                EXPECT_TRUE(fake_.undefine(spec.guest_id));
            }
        });
    }
    for (std::thread& each : threads) each.join();
    EXPECT_TRUE(domains().empty());
}

TEST_F(FakeHypervisorTest, HoldsAGuestUntilItsGateOpens) {
    bool asked = false;
    ASSERT_TRUE(fake_.start(spec_, [&]() -> Status {
        asked = true;
        EXPECT_EQ(only().state, DomainState::held);
        return {};
    }));
    EXPECT_TRUE(asked);
    EXPECT_EQ(only().state, DomainState::running);
    EXPECT_TRUE(fake_.start(spec_, []() -> Status { return fail(ErrorCode::io_failure, "not asked"); }));
}

TEST_F(FakeHypervisorTest, AClosedGateLeavesNothing) {
    const auto closed = []() -> Status { return fail(ErrorCode::io_failure, "no port"); };
    EXPECT_EQ(fake_.start(spec_, closed).error().message, "no port");
    EXPECT_TRUE(domains().empty());
    fake_.leave_held(spec_);
    EXPECT_EQ(only().state, DomainState::held);
    EXPECT_FALSE(fake_.start(spec_, closed));
    EXPECT_TRUE(domains().empty());
    fake_.leave_held(spec_);
    EXPECT_TRUE(fake_.start(spec_, open_gate));
    EXPECT_EQ(only().state, DomainState::running);
}

TEST_F(FakeHypervisorTest, PlugsInterfaces) {
    EXPECT_EQ(fake_.attach_interface(id_, example_nic()).error().code, ErrorCode::incorrect_instance_state);
    GuestSpec spec = spec_;
    spec.interfaces = {example_nic(1)};
    ASSERT_TRUE(fake_.start(spec, open_gate));
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(fake_.attach_interface(id_, example_nic(2)));
    EXPECT_EQ(only().interfaces.size(), 2U);
    fake_.set_clinging(id_, true);
    EXPECT_TRUE(fake_.request_detach(id_, example_nic(1).network_interface_id));
    EXPECT_EQ(only().interfaces.size(), 2U);
    fake_.set_clinging(id_, false);
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(fake_.request_detach(id_, example_nic(1).network_interface_id));
    EXPECT_EQ(only().interfaces, std::vector{example_nic(2).network_interface_id});
    ASSERT_TRUE(fake_.destroy(id_));
    EXPECT_TRUE(only().interfaces.empty());
    EXPECT_TRUE(fake_.request_detach(id_, example_nic(2).network_interface_id));
}

}  // namespace
}  // namespace lodge::agent
