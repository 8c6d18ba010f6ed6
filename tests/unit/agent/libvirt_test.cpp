// LibvirtHypervisor against libvirt's own test driver: real calls, metadata and events, no guests. Real
// guests: tests/host.
#include "agent/hypervisor/libvirt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "agent/domain/domain_xml.h"
#include "tests/unit/agent/specs.h"

#ifdef __SANITIZE_THREAD__
// libvirt and glib are not instrumented: their locks and reference counts look like races.
extern "C" const char* __tsan_default_suppressions() {
    return "race:libvirt.so\nrace:libglib-2.0.so\n";
}
#endif

namespace lodge::agent {
namespace {

constexpr const char* test_uri = "test:///default";  // one state for all connections of the process

struct Close {
    void operator()(virConnectPtr connection) const { virConnectClose(connection); }
};

Status closed_gate() {
    return fail(ErrorCode::io_failure, "no port");
}

class LibvirtTest : public ::testing::Test {
  protected:
    LibvirtTest() {
        hypervisor_.on_change([this] { ++changes_; });
    }
    ~LibvirtTest() override {
        for (const GuestId& id : {spec_.guest_id, numbered_guest(1).guest_id}) {
            EXPECT_TRUE(hypervisor_.destroy(id));
            EXPECT_TRUE(hypervisor_.undefine(id));
        }
        hypervisor_.on_change({});
    }
    Domain only() {
        const auto domains = hypervisor_.list();
        EXPECT_TRUE(domains) << domains.error().message;
        EXPECT_EQ(domains->size(), 1U);
        return domains->size() == 1 ? domains->front() : Domain();
    }
    bool eventually(const std::function<bool()>& holds) {
        for (int i = 0; i < 500 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return holds();
    }

    const GuestSpec spec_ = example_guest();
    const GuestId id_ = spec_.guest_id;
    // Somebody else's eyes on the same libvirt; also keeps its state alive over reconnections.
    const std::unique_ptr<virConnect, Close> other_{virConnectOpen(test_uri)};
    std::atomic<int> changes_ = 0;
    LibvirtHypervisor hypervisor_{{test_uri, Accelerator::emulation, spec_.host_id}};
};

TEST_F(LibvirtTest, TellsCapacity) {
    const auto capacity = hypervisor_.capacity();
    ASSERT_TRUE(capacity) << capacity.error().message;
    EXPECT_EQ(capacity->vcpus, 16);
    EXPECT_EQ(capacity->memory_mib, 3072);
    EXPECT_FALSE(capacity->host_name.empty());
}

TEST_F(LibvirtTest, LeavesDomainsAloneThatAreNotLodges) {
    EXPECT_GE(virConnectNumOfDomains(other_.get()), 1);
    EXPECT_TRUE(hypervisor_.list()->empty());
}

TEST_F(LibvirtTest, StartsStopsAndForgets) {
    const Status started = hypervisor_.start(spec_, open_gate);
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_TRUE(hypervisor_.start(spec_, open_gate));
    EXPECT_EQ(only().guest_id, id_);
    EXPECT_EQ(only().instance_id, spec_.instance_id);
    EXPECT_EQ(only().state, DomainState::running);
    EXPECT_EQ(hypervisor_.undefine(id_).error().code, ErrorCode::incorrect_instance_state);
    EXPECT_TRUE(hypervisor_.request_shutdown(id_));
    EXPECT_EQ(only().state, DomainState::shut_off);
    EXPECT_EQ(only().end_reason, EndReason::guest_shutdown);
    EXPECT_TRUE(hypervisor_.request_shutdown(id_));
    ASSERT_TRUE(hypervisor_.start(spec_, open_gate));
    EXPECT_TRUE(hypervisor_.destroy(id_));
    EXPECT_TRUE(hypervisor_.destroy(id_));
    EXPECT_EQ(only().end_reason, EndReason::destroyed);
    EXPECT_TRUE(hypervisor_.undefine(id_));
    EXPECT_TRUE(hypervisor_.undefine(id_));
    EXPECT_TRUE(hypervisor_.list()->empty());
}

TEST_F(LibvirtTest, UndefinesWhatAnOperatorSaved) {
    ASSERT_TRUE(hypervisor_.start(spec_, open_gate));
    const DomainHandle domain(virDomainLookupByName(other_.get(), domain_name(id_).c_str()));
    ASSERT_TRUE(domain);
    const auto* xml = "<domainsnapshot><name>before</name></domainsnapshot>";
    const std::unique_ptr<virDomainSnapshot, int (*)(virDomainSnapshotPtr)> snapshot(
        virDomainSnapshotCreateXML(domain.get(), xml, 0), virDomainSnapshotFree);
    ASSERT_TRUE(snapshot);
    ASSERT_EQ(virDomainManagedSave(domain.get(), 0), 0);
    const Status undefined = hypervisor_.undefine(id_);
    EXPECT_TRUE(undefined) << undefined.error().message;
    EXPECT_TRUE(hypervisor_.list()->empty());
}

TEST_F(LibvirtTest, HoldsAGuestUntilItsGateOpens) {
    bool asked = false;
    ASSERT_TRUE(hypervisor_.start(spec_, [&]() -> Status {
        asked = true;
        EXPECT_EQ(only().state, DomainState::held);
        return {};
    }));
    EXPECT_TRUE(asked);
    EXPECT_EQ(only().state, DomainState::running);
    EXPECT_TRUE(hypervisor_.start(spec_, closed_gate)) << "it runs, so its gate is not asked";
    const DomainHandle domain(virDomainLookupByName(other_.get(), domain_name(id_).c_str()));
    ASSERT_EQ(virDomainSuspend(domain.get()), 0);
    EXPECT_EQ(only().state, DomainState::running) << "somebody paused it; it was let run before";
}

TEST_F(LibvirtTest, AClosedGateLeavesNothing) {
    const Status status = hypervisor_.start(spec_, closed_gate);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().message, "no port");
    EXPECT_TRUE(hypervisor_.list()->empty());
}

// An agent that died in start().
TEST_F(LibvirtTest, GoesOnWithAGuestThatWasLeftHeld) {
    for (const bool opens : {false, true}) {
        const DomainHandle domain(virDomainDefineXML(other_.get(), domain_xml(spec_, {"test"}).c_str()));
        ASSERT_EQ(virDomainCreate(domain.get()), 0);
        ASSERT_EQ(virDomainSuspend(domain.get()), 0);
        EXPECT_EQ(only().state, DomainState::held);
        EXPECT_EQ(hypervisor_.start(spec_, opens ? open_gate : closed_gate).has_value(), opens);
        EXPECT_EQ(hypervisor_.list()->size(), opens ? 1U : 0U);
    }
    EXPECT_EQ(only().state, DomainState::running);
}

// One that died between letting it run and taking the mark off.
TEST_F(LibvirtTest, AGuestThatRunsIsNotHeldWhateverItsMark) {
    const DomainHandle domain(virDomainDefineXML(other_.get(), domain_xml(spec_, {"test"}).c_str()));
    ASSERT_EQ(virDomainCreate(domain.get()), 0);
    EXPECT_EQ(only().state, DomainState::running);
    ASSERT_EQ(virDomainSuspend(domain.get()), 0);
    EXPECT_EQ(only().state, DomainState::running) << "the first look has taken the mark off";
}

TEST_F(LibvirtTest, TellsInterfacesOfGuestsThatAreOn) {
    GuestSpec spec = spec_;
    spec.interfaces = {example_nic(1), example_nic(2)};
    const Status started = hypervisor_.start(spec, open_gate);
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_EQ(only().interfaces,
              (std::vector{example_nic(1).network_interface_id, example_nic(2).network_interface_id}));
    EXPECT_TRUE(hypervisor_.attach_interface(id_, example_nic(1))) << "it is plugged in";
    EXPECT_TRUE(hypervisor_.request_detach(id_, example_nic(3).network_interface_id)) << "it is not";
    ASSERT_TRUE(hypervisor_.destroy(id_));
    EXPECT_TRUE(only().interfaces.empty());
    EXPECT_EQ(hypervisor_.attach_interface(id_, example_nic(3)).error().code,
              ErrorCode::incorrect_instance_state);
    EXPECT_TRUE(hypervisor_.request_detach(id_, example_nic(1).network_interface_id));
}

TEST_F(LibvirtTest, UnknownGuestsAreNotInterrupted) {
    EXPECT_EQ(hypervisor_.interrupt(id_).error().code, ErrorCode::incorrect_instance_state);
}

TEST_F(LibvirtTest, ARunningMachineIsInterrupted) {
    ASSERT_TRUE(hypervisor_.start(spec_, open_gate));
    const Status done = hypervisor_.interrupt(id_);
    EXPECT_TRUE(done) << done.error().message;
}

TEST_F(LibvirtTest, UnknownGuestsDoNotReboot) {
    EXPECT_EQ(hypervisor_.request_reboot(id_).error().code, ErrorCode::incorrect_instance_state);
    EXPECT_EQ(hypervisor_.reset(id_).error().code, ErrorCode::incorrect_instance_state);
}

TEST_F(LibvirtTest, EventsCallBack) {
    ASSERT_TRUE(hypervisor_.start(spec_, open_gate));
    EXPECT_TRUE(eventually([&] { return changes_ > 0; }));
    // Let what start() caused arrive, so that the next events are somebody else's.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    changes_ = 0;
    const DomainHandle domain(virDomainLookupByName(other_.get(), domain_name(id_).c_str()));
    ASSERT_TRUE(domain);
    ASSERT_EQ(virDomainDestroy(domain.get()), 0);
    EXPECT_TRUE(eventually([&] { return changes_ > 0; }));
}

TEST_F(LibvirtTest, AnotherOwnersGuestIsNeitherSeenNorTouched) {
    ASSERT_TRUE(hypervisor_.start(spec_, open_gate));
    LibvirtHypervisor stranger({test_uri, Accelerator::emulation, *HostId::parse("h-00000000000000002")});
    EXPECT_TRUE(stranger.list()->empty());
    EXPECT_EQ(stranger.destroy(id_).error().code, ErrorCode::conflict);
    EXPECT_EQ(stranger.undefine(id_).error().code, ErrorCode::conflict);
    EXPECT_EQ(stranger.request_shutdown(id_).error().code, ErrorCode::conflict);
    EXPECT_EQ(stranger.start(spec_, open_gate).error().code, ErrorCode::conflict);
    EXPECT_EQ(only().state, DomainState::running);
}

TEST_F(LibvirtTest, OneGuestOfAnInstance) {
    ASSERT_TRUE(hypervisor_.start(spec_, open_gate));
    GuestSpec twin = spec_;
    twin.guest_id = numbered_guest(1).guest_id;
    const Status status = hypervisor_.start(twin, open_gate);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::io_failure);
    EXPECT_NE(status.error().message.find("already"), std::string::npos) << status.error().message;
    EXPECT_EQ(only().guest_id, id_);
}

TEST_F(LibvirtTest, RefusedDefinitionLeavesNothing) {
    GuestSpec broken = spec_;
    broken.architecture = "pdp11";
    const Status status = hypervisor_.start(broken, open_gate);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::io_failure);
    EXPECT_TRUE(hypervisor_.list()->empty());
}

TEST_F(LibvirtTest, ManyGuests) {
    constexpr int count = 200;
    for (int n = 0; n < count; ++n) ASSERT_TRUE(hypervisor_.start(numbered_guest(n), open_gate));
    EXPECT_EQ(hypervisor_.list()->size(), static_cast<std::size_t>(count));
    for (int n = 0; n < count; ++n) {
        ASSERT_TRUE(hypervisor_.destroy(numbered_guest(n).guest_id));
        ASSERT_TRUE(hypervisor_.undefine(numbered_guest(n).guest_id));
    }
    EXPECT_TRUE(hypervisor_.list()->empty());
}

TEST(LibvirtAway, EveryCallSaysSo) {
    LibvirtHypervisor hypervisor(
        {"qemu:///system?socket=/nonexistent/libvirt-sock", Accelerator::emulation, example_guest().host_id});
    const auto domains = hypervisor.list();
    ASSERT_FALSE(domains);
    EXPECT_EQ(domains.error().code, ErrorCode::service_unavailable);
    EXPECT_NE(domains.error().message.find("/nonexistent/libvirt-sock"), std::string::npos)
        << domains.error().message;
    EXPECT_EQ(hypervisor.start(example_guest(), open_gate).error().code, ErrorCode::service_unavailable);
    EXPECT_EQ(hypervisor.capacity().error().code, ErrorCode::service_unavailable);
}

}  // namespace
}  // namespace lodge::agent
