#include "agent/hypervisor/libvirt_watch.h"

#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

#include "agent/hypervisor/libvirt_state.h"

namespace lodge::agent {
namespace {

TEST(LibvirtWatch, RemembersWhyUntilTheNextStart) {
    LibvirtWatch watch;
    EXPECT_EQ(watch.end_reason("a"), EndReason::unknown);
    watch.stopped("a", EndReason::crashed);
    EXPECT_EQ(watch.end_reason("a"), EndReason::crashed);
    EXPECT_EQ(watch.end_reason("b"), EndReason::unknown);
    watch.started("a");
    EXPECT_EQ(watch.end_reason("a"), EndReason::unknown);
}

TEST(LibvirtWatch, ResetsCloseTogetherAreOneReboot) {
    LibvirtWatch watch;
    for (const std::int64_t at_ms : {5000, 5028, 5060}) watch.was_reset("a", at_ms);
    EXPECT_EQ(watch.reboots("a"), 1);
    watch.was_reset("a", 9000);
    EXPECT_EQ(watch.reboots("a"), 2);
    EXPECT_EQ(watch.reboots("b"), 0);
    EXPECT_EQ(watch.last_reset_ms("a"), 9000);
    EXPECT_EQ(watch.last_reset_ms("b"), 0);
}

TEST(LibvirtWatch, ForgetsTheUndefined) {
    LibvirtWatch watch;
    watch.was_reset("a", 1);
    watch.stopped("a", EndReason::failed);
    watch.undefined("a");
    EXPECT_EQ(watch.reboots("a"), 0);
    EXPECT_EQ(watch.end_reason("a"), EndReason::unknown);
}

TEST(LibvirtWatch, EveryEventCallsBack) {
    LibvirtWatch watch;
    int calls = 0;
    watch.changed();
    watch.on_change([&] { ++calls; });
    watch.started("a");
    watch.was_reset("a", 1);
    watch.stopped("a", EndReason::destroyed);
    watch.undefined("a");
    watch.changed();
    EXPECT_EQ(calls, 5);
    watch.on_change({});
    watch.changed();
    EXPECT_EQ(calls, 5);
}

TEST(LibvirtState, OnlyWhatIsOffIsOff) {
    EXPECT_EQ(domain_state(VIR_DOMAIN_SHUTOFF, 0), DomainState::shut_off);
    EXPECT_EQ(domain_state(VIR_DOMAIN_CRASHED, 0), DomainState::shut_off);
    EXPECT_EQ(domain_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP), DomainState::starting);
    EXPECT_EQ(domain_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR), DomainState::running);
    for (const int state : {VIR_DOMAIN_NOSTATE, VIR_DOMAIN_RUNNING, VIR_DOMAIN_BLOCKED, VIR_DOMAIN_SHUTDOWN,
                            VIR_DOMAIN_PMSUSPENDED})
        EXPECT_EQ(domain_state(state, 0), DomainState::running) << state;
}

TEST(LibvirtState, Reasons) {
    const auto off = [](int reason) { return end_reason_of_state(VIR_DOMAIN_SHUTOFF, reason); };
    EXPECT_EQ(off(VIR_DOMAIN_SHUTOFF_SHUTDOWN), EndReason::guest_shutdown);
    EXPECT_EQ(off(VIR_DOMAIN_SHUTOFF_DESTROYED), EndReason::destroyed);
    EXPECT_EQ(off(VIR_DOMAIN_SHUTOFF_CRASHED), EndReason::crashed);
    EXPECT_EQ(off(VIR_DOMAIN_SHUTOFF_FAILED), EndReason::failed);
    EXPECT_EQ(off(VIR_DOMAIN_SHUTOFF_DAEMON), EndReason::failed);
    EXPECT_EQ(off(VIR_DOMAIN_SHUTOFF_UNKNOWN), EndReason::unknown);
    EXPECT_EQ(end_reason_of_state(VIR_DOMAIN_CRASHED, 0), EndReason::crashed);
    EXPECT_EQ(end_reason_of_state(VIR_DOMAIN_RUNNING, 1), EndReason::unknown);
    EXPECT_EQ(end_reason_of_event(VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN), EndReason::guest_shutdown);
    EXPECT_EQ(end_reason_of_event(VIR_DOMAIN_EVENT_STOPPED_DESTROYED), EndReason::destroyed);
    EXPECT_EQ(end_reason_of_event(VIR_DOMAIN_EVENT_STOPPED_CRASHED), EndReason::crashed);
    EXPECT_EQ(end_reason_of_event(VIR_DOMAIN_EVENT_STOPPED_FAILED), EndReason::failed);
    EXPECT_EQ(end_reason_of_event(VIR_DOMAIN_EVENT_STOPPED_MIGRATED), EndReason::unknown);
}

}  // namespace
}  // namespace lodge::agent
