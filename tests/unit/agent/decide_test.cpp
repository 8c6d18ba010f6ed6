#include "agent/reconcile/decide.h"

#include <gtest/gtest.h>

namespace lodge::agent {
namespace {

constexpr Patience patience{
    .stop_ms = 1000, .terminate_ms = 500, .ask_again_ms = 100, .reboot_ms = 1000, .detach_again_ms = 200};

View view(Desired desired, Observed known, std::optional<DomainState> domain,
          EndReason reason = EndReason::unknown) {
    View made;
    made.desired.desired = desired;
    made.desired.observed = known;
    made.desired.generation = 3;
    made.now_ms = 10'000;
    if (domain) made.domain = Domain{{}, {}, *domain, reason};
    return made;
}

TEST(Decide, StartsWhatHasNeverRun) {
    auto decision = decide(view(Desired::running, Observed::placed, std::nullopt), patience);
    EXPECT_EQ(decision.step, Step::start);
    EXPECT_EQ(decision.observed.observed, Observed::starting);
    EXPECT_EQ(decision.observed.generation, 3);
    // A definition that an agent left behind when it was killed before the start.
    EXPECT_EQ(decide(view(Desired::running, Observed::starting, DomainState::shut_off), patience).step,
              Step::start);
}

TEST(Decide, LeavesARunningGuestAlone) {
    auto decision = decide(view(Desired::running, Observed::starting, DomainState::running), patience);
    EXPECT_EQ(decision.step, Step::none);
    EXPECT_EQ(decision.observed.observed, Observed::running);
}

TEST(Decide, NeverStartsAGuestTwice) {
    for (auto known : {Observed::running, Observed::stopped}) {
        for (auto domain :
             {std::optional<DomainState>(DomainState::shut_off), std::optional<DomainState>()}) {
            auto decision =
                decide(view(Desired::running, known, domain, EndReason::guest_shutdown), patience);
            EXPECT_EQ(decision.step, Step::none);
            EXPECT_EQ(decision.observed.observed, Observed::stopped);
        }
    }
    auto seen = view(Desired::running, Observed::starting, DomainState::shut_off, EndReason::crashed);
    seen.ran = true;
    EXPECT_EQ(decide(seen, patience).step, Step::none);
    // An agent that was killed before it saw it running: libvirt remembers.
    for (auto reason : {EndReason::guest_shutdown, EndReason::crashed, EndReason::destroyed}) {
        auto decision =
            decide(view(Desired::running, Observed::starting, DomainState::shut_off, reason), patience);
        EXPECT_EQ(decision.step, Step::none);
        EXPECT_EQ(decision.observed.observed, Observed::stopped);
    }
}

// --- Disks

const VolumeId root_id = VolumeId::trusted("vol-00000000000000001");
const VolumeId disk_id = VolumeId::trusted("vol-00000000000000002");

// A guest that has its root disk and, if `plugged`, another one, both as they are to be.
View view_with_disk(bool plugged, bool wanted) {
    auto made = view(Desired::running, Observed::running, DomainState::running);
    made.desired.root_volume_id = root_id;
    made.domain->disks = {root_id};
    if (plugged) made.domain->disks.push_back(disk_id);
    if (wanted) made.desired.disks = {{disk_id, "vdf", 1'000, 100, 0}};
    made.adjusted = {{root_id, {root_id}}, {disk_id, {disk_id, 1'000, 100, 0}}};
    return made;
}

TEST(Decide, PlugsDisksInAndOut) {
    EXPECT_EQ(decide(view_with_disk(true, true), patience).step, Step::none);
    auto decision = decide(view_with_disk(false, true), patience);
    EXPECT_EQ(decision.step, Step::attach_disk);
    EXPECT_EQ(decision.volume, disk_id);
    decision = decide(view_with_disk(true, false), patience);
    EXPECT_EQ(decision.step, Step::detach_disk);
    EXPECT_EQ(decision.volume, disk_id);
    EXPECT_EQ(decision.observed.disks.size(), 2U) << "the guest still has it";
}

TEST(Decide, AsksPolitelyForADiskThatIsNotForced) {
    auto seen = view_with_disk(true, true);
    seen.desired.disks[0].leaving = true;
    seen.desired.disks[0].cuts = 1;
    auto decision = decide(seen, patience);
    EXPECT_EQ(decision.step, Step::detach_disk);
    EXPECT_EQ(decision.volume, disk_id);
    EXPECT_TRUE(decision.politely);
    seen.tried_disk_ms[disk_id] = 9'900;
    EXPECT_EQ(decide(seen, patience).step, Step::cut_disks) << "it may stay for long";
    seen.domain->disks = {root_id};
    EXPECT_EQ(decide(seen, patience).step, Step::none) << "it is gone and does not come back";
    EXPECT_FALSE(decide(view_with_disk(true, false), patience).politely) << "forced";
}

TEST(Decide, AsksForADiskOnlySoOften) {
    auto clinging = view_with_disk(true, false);
    clinging.tried_disk_ms[disk_id] = 9'900;
    auto decision = decide(clinging, patience);
    EXPECT_EQ(decision.step, Step::none);
    EXPECT_TRUE(decision.look_again_soon);
    clinging.tried_disk_ms[disk_id] = 9'800;
    EXPECT_EQ(decide(clinging, patience).step, Step::detach_disk);
    clinging.tried_disk_ms[disk_id] = 9'900;
    const VolumeId other = VolumeId::trusted("vol-00000000000000003");
    clinging.desired.disks = {{other, "vdg"}};
    EXPECT_EQ(decide(clinging, patience).volume, other) << "another one does not wait for it";
}

TEST(Decide, AdjustsDisksThatAreNotAsWanted) {
    for (auto change : {+[](View& v) { v.desired.disks[0].size_bytes = 2'000; },
                        +[](View& v) { v.desired.disks[0].iops = 200; },
                        +[](View& v) { v.desired.disks[0].bytes_per_s = 1; },
                        +[](View& v) { v.adjusted.erase(disk_id); }}) {
        auto seen = view_with_disk(true, true);
        change(seen);
        const auto decision = decide(seen, patience);
        EXPECT_EQ(decision.step, Step::adjust_disk);
        EXPECT_EQ(decision.volume, disk_id);
    }
    auto larger_root = view_with_disk(true, true);
    larger_root.desired.root_size_bytes = 5;
    EXPECT_EQ(decide(larger_root, patience).volume, root_id);
    // The domain of an older agent, whose root disk has no name: it is left alone.
    larger_root.domain->disks = {disk_id};
    EXPECT_EQ(decide(larger_root, patience).step, Step::none);
}

TEST(Decide, CutsAllDisksAtOnceAndLast) {
    auto seen = view_with_disk(true, true);
    seen.desired.root_cuts = 3;
    seen.desired.disks[0].cuts = 1;
    seen.domain->cuts[root_id] = 2;
    auto decision = decide(seen, patience);
    EXPECT_EQ(decision.step, Step::cut_disks);
    EXPECT_EQ(decision.cuts, (std::map<VolumeId, std::int64_t>{{root_id, 2}, {disk_id, 0}}));
    seen.domain->cuts = {{root_id, 3}, {disk_id, 1}};
    EXPECT_EQ(decide(seen, patience).step, Step::none);
    seen.domain->cuts[root_id] = 4;  // the control plane was restored from a backup
    EXPECT_EQ(decide(seen, patience).step, Step::none);
    seen.domain->cuts[root_id] = 2;
    seen.desired.disks[0].size_bytes = 2'000;
    EXPECT_EQ(decide(seen, patience).step, Step::adjust_disk);
}

TEST(Decide, CutsWhatIsPluggedIn) {
    auto seen = view_with_disk(false, true);
    seen.desired.disks[0].cuts = 1;
    seen.tried_disk_ms[disk_id] = 9'900;
    EXPECT_EQ(decide(seen, patience).step, Step::none) << "it comes with its cut made";
}

View view_to_flatten() {
    auto seen = view_with_disk(true, true);
    auto& disk = seen.desired.disks[0];
    disk.flatten = true;
    disk.layers = {{"a", "qcow2", 1}, {"", "qcow2", 0}};
    disk.cuts = 1;
    seen.domain->cuts[disk_id] = 1;
    return seen;
}

TEST(Decide, FlattensWhenNothingElseIsToBeDone) {
    auto seen = view_to_flatten();
    auto decision = decide(seen, patience);
    EXPECT_EQ(decision.step, Step::flatten_disk);
    EXPECT_EQ(decision.volume, disk_id);
    EXPECT_EQ(decision.file, 1);
    EXPECT_EQ(decision.observed.disks.back().flat, -1);
    seen.desired.disks[0].cuts = 2;
    EXPECT_EQ(decide(seen, patience).step, Step::cut_disks);
    seen.desired.disks[0].leaving = true;
    EXPECT_EQ(decide(seen, patience).step, Step::detach_disk);
}

TEST(Decide, GivesFlatteningItsTime) {
    auto seen = view_to_flatten();
    seen.tried_flatten[disk_id] = {seen.now_ms - 1, 1};
    const auto decision = decide(seen, patience);
    EXPECT_EQ(decision.step, Step::none);
    EXPECT_FALSE(decision.look_again_soon) << "it takes minutes";
    seen.tried_flatten[disk_id].at_ms = seen.now_ms - patience.flatten_again_ms;
    EXPECT_EQ(decide(seen, patience).step, Step::flatten_disk);
}

TEST(Decide, TellsWhichFileIsFlatWhileItIsAsked) {
    auto seen = view_to_flatten();
    seen.domain->flat = {{root_id, 0}, {disk_id, 1}};
    auto decision = decide(seen, patience);
    EXPECT_EQ(decision.step, Step::none) << "it is done";
    EXPECT_EQ(decision.observed.disks.front().flat, -1);
    EXPECT_EQ(decision.observed.disks.back().flat, 1);
    // Two snapshots later, of which the control plane knows, and not yet that the file was flat.
    seen.domain->cuts[disk_id] = seen.desired.disks[0].cuts = 3;
    seen.desired.disks[0].layers.resize(4);
    decision = decide(seen, patience);
    EXPECT_EQ(decision.step, Step::none);
    EXPECT_EQ(decision.observed.disks.back().flat, 1);
    // It has heard, and wants it again.
    seen.desired.disks[0].layers.resize(2);
    seen.tried_flatten[disk_id] = {seen.now_ms - 1, 1};
    EXPECT_EQ(decide(seen, patience).step, Step::flatten_disk);
}

TEST(Decide, ForgetsLayersThatNobodyNeeds) {
    auto seen = view_to_flatten();
    seen.domain->flat[disk_id] = 1;
    auto& disk = seen.desired.disks[0];
    disk.flatten = false;
    disk.layers.clear();
    EXPECT_EQ(decide(seen, patience).step, Step::none) << "QEMU may have some of it in memory alone";
    seen.domain->cuts[disk_id] = disk.cuts = 2;
    disk.layers.resize(2);
    EXPECT_EQ(decide(seen, patience).step, Step::none) << "the control plane does not know yet";
    disk.layers.resize(1);
    auto decision = decide(seen, patience);
    EXPECT_EQ(decision.step, Step::forget_layers);
    EXPECT_EQ(decision.volume, disk_id);
    EXPECT_EQ(decision.file, 1);
    disk.image = {"a", "qcow2", 1};
    EXPECT_EQ(decide(seen, patience).step, Step::none) << "it means another file";
    disk.image = {};
    seen.unsent = {disk_id};
    EXPECT_EQ(decide(seen, patience).step, Step::none);
    seen.unsent.clear();
    seen.forgotten[disk_id] = 1;
    EXPECT_EQ(decide(seen, patience).step, Step::none);
    seen.forgotten[disk_id] = 0;
    EXPECT_EQ(decide(seen, patience).step, Step::forget_layers);
    // One that was flat at its first file has nothing to lose, but what its marks are for.
    seen.forgotten.clear();
    seen.domain->flat[disk_id] = 0;
    disk.layers.resize(2);
    EXPECT_EQ(decide(seen, patience).file, 0);
}

TEST(Decide, CutsAfterARebootThatWasAskedFor) {
    auto seen = view_with_disk(true, true);
    seen.desired.root_cuts = 1;
    seen.desired.reboots_wanted = 1;
    EXPECT_EQ(decide(seen, patience).step, Step::ask_reboot);
    seen.asked_reboot_ms = 9'900;
    EXPECT_EQ(decide(seen, patience).step, Step::none);
    seen.desired.reboots_done = 1;
    EXPECT_EQ(decide(seen, patience).step, Step::cut_disks);
}

TEST(Decide, WaitsForAStartedGuestToComeUp) {
    auto seen = view(Desired::running, Observed::starting, DomainState::starting);
    seen.ran = true;
    auto decision = decide(seen, patience);
    EXPECT_EQ(decision.observed.observed, Observed::starting);
    EXPECT_TRUE(decision.look_again_soon);
}

TEST(Decide, TellsWhyAGuestEnded) {
    auto by_guest =
        decide(view(Desired::running, Observed::running, DomainState::shut_off, EndReason::guest_shutdown),
               patience);
    EXPECT_EQ(by_guest.observed.reason_code, "Client.InstanceInitiatedShutdown");
    auto crashed = decide(
        view(Desired::running, Observed::running, DomainState::shut_off, EndReason::crashed), patience);
    EXPECT_EQ(crashed.observed.reason_code, "Server.InternalError");
}

TEST(Decide, GivesUpOnAStartThatCannotSucceed) {
    auto failed = view(Desired::running, Observed::starting, std::nullopt);
    failed.start_failure = "the image is corrupt";
    auto decision = decide(failed, patience);
    EXPECT_EQ(decision.step, Step::none);
    EXPECT_EQ(decision.observed.observed, Observed::failed);
    EXPECT_EQ(decision.observed.reason, "the image is corrupt");
}

TEST(Decide, AsksThenAsksAgainThenForces) {
    auto stopping = view(Desired::stopped, Observed::running, DomainState::running);
    EXPECT_EQ(decide(stopping, patience).step, Step::ask_shutdown);
    stopping.asked_shutdown_ms = stopping.last_asked_ms = 9'950;
    EXPECT_EQ(decide(stopping, patience).step, Step::none);
    stopping.last_asked_ms = 9'900;
    EXPECT_EQ(decide(stopping, patience).step, Step::ask_shutdown);
    stopping.asked_shutdown_ms = 9'000;
    EXPECT_EQ(decide(stopping, patience).step, Step::destroy);
    stopping.asked_shutdown_ms = 9'500;
    stopping.desired.desired = Desired::terminated;
    EXPECT_EQ(decide(stopping, patience).step, Step::destroy) << "termination has less patience";
}

TEST(Decide, ForceDoesNotAsk) {
    auto stopping = view(Desired::stopped, Observed::running, DomainState::running);
    stopping.desired.skip_os_shutdown = true;
    EXPECT_EQ(decide(stopping, patience).step, Step::destroy);
}

TEST(Decide, StoppedKeepsTheDiskTerminatedRemovesIt) {
    EXPECT_EQ(decide(view(Desired::stopped, Observed::running, DomainState::shut_off), patience).step,
              Step::undefine);
    auto stopped = decide(view(Desired::stopped, Observed::running, std::nullopt), patience);
    EXPECT_EQ(stopped.step, Step::none);
    EXPECT_EQ(stopped.observed.observed, Observed::gone);
    EXPECT_EQ(decide(view(Desired::terminated, Observed::running, DomainState::shut_off), patience).step,
              Step::undefine);
    EXPECT_EQ(decide(view(Desired::terminated, Observed::gone, std::nullopt), patience).step,
              Step::remove_root);
    EXPECT_EQ(decide(view(Desired::terminated, Observed::removed, std::nullopt), patience).step, Step::none);
}

TEST(Decide, EndsStraysBeforeTheirDiskIsUsedOrRemoved) {
    for (auto [desired, known] :
         {std::pair(Desired::running, Observed::placed), std::pair(Desired::terminated, Observed::gone)}) {
        auto seen = view(desired, known, std::nullopt);
        seen.stray = true;
        EXPECT_EQ(decide(seen, patience).step, Step::end_strays);
    }
    auto stopped = view(Desired::stopped, Observed::gone, std::nullopt);
    stopped.stray = true;
    EXPECT_EQ(decide(stopped, patience).step, Step::none);
}

TEST(Decide, RebootsOnceForEachWish) {
    auto running = view(Desired::running, Observed::running, DomainState::running);
    running.desired.reboots_wanted = 2;
    running.desired.reboots_done = 1;
    EXPECT_EQ(decide(running, patience).step, Step::ask_reboot);
    running.asked_reboot_ms = 9'500;
    EXPECT_EQ(decide(running, patience).step, Step::none) << "it is not asked a second time";
    EXPECT_TRUE(decide(running, patience).look_again_soon);
    running.asked_reboot_ms = 9'000;
    EXPECT_EQ(decide(running, patience).step, Step::reset);
    running.desired.reboots_done = 2;
    EXPECT_EQ(decide(running, patience).step, Step::none);
}

TEST(Decide, InterruptsOnceForEachWish) {
    auto running = view(Desired::running, Observed::running, DomainState::running);
    running.desired.interrupts_wanted = 2;
    running.desired.interrupts_done = 1;
    running.desired.reboots_wanted = 1;
    auto decision = decide(running, patience);
    EXPECT_EQ(decision.step, Step::interrupt) << "before a reboot, after which there is nothing to tell";
    EXPECT_EQ(decision.observed.interrupts_done, 1);
    running.desired.interrupts_done = 2;
    EXPECT_EQ(decide(running, patience).step, Step::ask_reboot);
    auto off = view(Desired::stopped, Observed::stopped, DomainState::shut_off);
    off.desired.interrupts_wanted = 1;
    EXPECT_NE(decide(off, patience).step, Step::interrupt);
}

const NetworkInterfaceId first = NetworkInterfaceId::trusted("eni-00000000000000001");
const NetworkInterfaceId second = NetworkInterfaceId::trusted("eni-00000000000000002");
using Interfaces = std::vector<NetworkInterfaceId>;

// A running guest on a host with a network, all of its interfaces installed.
View plugged(const Interfaces& wanted, const Interfaces& plugged_in) {
    auto made = view(Desired::running, Observed::running, DomainState::running);
    made.has_network = true;
    made.domain->interfaces = plugged_in;
    for (const auto& id : wanted) {
        made.desired.interfaces.emplace_back().network_interface_id = id;
        made.installed.insert(id);
    }
    return made;
}

TEST(Decide, AttachesAndDetachesOneInterfaceAtATime) {
    EXPECT_EQ(decide(plugged({first, second}, {first, second}), patience).step, Step::none);
    auto attach = decide(plugged({first, second}, {first}), patience);
    EXPECT_EQ(attach.step, Step::attach);
    EXPECT_EQ(attach.interface, second);
    auto exchange = decide(plugged({second}, {first}), patience);
    EXPECT_EQ(exchange.step, Step::detach) << "its place may be needed";
    EXPECT_EQ(exchange.interface, first);
}

TEST(Decide, AsksAGuestThatDoesNotLetGoAgainAndAttachesOthersMeanwhile) {
    auto clinging = plugged({}, {first});
    clinging.asked_detach_ms[first] = 9'900;
    EXPECT_EQ(decide(clinging, patience).step, Step::none);
    EXPECT_TRUE(decide(clinging, patience).look_again_soon);
    clinging.asked_detach_ms[first] = 9'800;
    EXPECT_EQ(decide(clinging, patience).step, Step::detach);
    auto other = plugged({second}, {first});
    other.asked_detach_ms[first] = 9'900;
    EXPECT_EQ(decide(other, patience).step, Step::attach);
}

TEST(Decide, TouchesInterfacesOfRunningGuestsWithANetworkAlone) {
    auto without = plugged({first}, {second});
    without.has_network = false;
    EXPECT_EQ(decide(without, patience).step, Step::none);
    auto rebooting = plugged({first}, {});
    rebooting.desired.reboots_wanted = 1;
    EXPECT_EQ(decide(rebooting, patience).step, Step::ask_reboot);
    auto starting = plugged({first}, {});
    starting.desired.observed = Observed::starting;
    starting.domain->state = DomainState::starting;
    EXPECT_EQ(decide(starting, patience).step, Step::none);
    auto stopping = plugged({first}, {});
    stopping.desired.desired = Desired::stopped;
    EXPECT_EQ(decide(stopping, patience).step, Step::ask_shutdown);
}

TEST(Decide, TellsInterfacesThatArePluggedInAndInstalled) {
    auto seen = plugged({first, second}, {first, second});
    EXPECT_EQ(decide(seen, patience).observed.interfaces, (Interfaces{first, second}));
    seen.installed.erase(second);
    EXPECT_EQ(decide(seen, patience).observed.interfaces, Interfaces{first});
    auto leaving = plugged({}, {first});
    EXPECT_EQ(decide(leaving, patience).observed.interfaces, Interfaces{first}) << "the guest still has it";
}

TEST(Decide, GoesOnWithAGuestThatIsHeld) {
    auto held = view(Desired::running, Observed::starting, DomainState::held);
    EXPECT_EQ(decide(held, patience).step, Step::start);
    EXPECT_EQ(decide(held, patience).observed.observed, Observed::starting);
    for (auto desired : {Desired::stopped, Desired::terminated}) {
        held.desired.desired = desired;
        EXPECT_EQ(decide(held, patience).step, Step::destroy) << "it hears nothing";
    }
    // One that has run, and was paused by somebody.
    auto paused = view(Desired::running, Observed::running, DomainState::held);
    EXPECT_EQ(decide(paused, patience).step, Step::none);
    EXPECT_EQ(decide(paused, patience).observed.observed, Observed::running);
}

TEST(Decide, TellsWhatAStartWaitsFor) {
    auto waiting = view(Desired::running, Observed::starting, std::nullopt);
    waiting.start_trouble = "ovn-controller does not run";
    auto decision = decide(waiting, patience);
    EXPECT_EQ(decision.step, Step::start);
    EXPECT_EQ(decision.observed.reason, "ovn-controller does not run");
}

// From any state, carrying out what is decided comes to the end that is desired and stays there.
TEST(Decide, EveryStateConverges) {
    for (auto desired : all_desired) {
        for (auto known : all_observed) {
            for (int domain = 0; domain < 4; ++domain) {
                auto at = view(desired, known,
                               domain == 0   ? std::optional<DomainState>()
                               : domain == 1 ? std::optional(DomainState::running)
                               : domain == 2 ? std::optional(DomainState::held)
                                             : std::optional(DomainState::shut_off));
                at.has_network = true;
                at.desired.interfaces.emplace_back().network_interface_id = first;
                at.desired.disks = {{disk_id, "vdf", 1'000}};
                at.desired.disks.front().cuts = 1;
                at.desired.disks.front().flatten = true;
                at.desired.disks.front().layers.resize(1);
                if (at.domain) at.domain->interfaces = {second};
                if (at.domain) at.domain->disks = {VolumeId::trusted("vol-00000000000000003")};
                Decision decision;
                int steps = 0;
                for (; steps < 12; ++steps) {
                    decision = decide(at, patience);
                    switch (decision.step) {
                        case Step::start:
                            at.domain = Domain{{}, {}, DomainState::running, EndReason::unknown, {first}};
                            break;
                        case Step::attach:
                            at.domain->interfaces.push_back(decision.interface);
                            break;
                        case Step::detach:
                            std::erase(at.domain->interfaces, decision.interface);
                            break;
                        case Step::attach_disk:
                            at.domain->disks.push_back(decision.volume);
                            break;
                        case Step::detach_disk:
                            std::erase(at.domain->disks, decision.volume);
                            break;
                        case Step::adjust_disk:
                            at.adjusted[decision.volume] = as_desired(at.desired.disks.front());
                            break;
                        case Step::cut_disks:
                            at.domain->cuts[disk_id] = 1;
                            break;
                        case Step::flatten_disk:
                            at.domain->flat[decision.volume] = decision.file;
                            break;
                        case Step::forget_layers:
                            at.forgotten[decision.volume] = decision.file;
                            break;
                        case Step::ask_shutdown:
                        case Step::destroy:
                            at.domain->state = DomainState::shut_off;
                            break;
                        case Step::undefine:
                            at.domain.reset();
                            break;
                        case Step::remove_root:
                            at.desired.observed = Observed::removed;
                            break;
                        case Step::ask_reboot:
                        case Step::reset:
                        case Step::interrupt:
                        case Step::end_strays:
                        case Step::none:
                            break;
                    }
                    if (decision.step == Step::none) break;
                }
                EXPECT_LT(steps, 12) << to_text(desired) << " " << to_text(known) << " " << domain;
                EXPECT_TRUE(desired == Desired::running || !at.domain);
            }
        }
    }
}

}  // namespace
}  // namespace lodge::agent
