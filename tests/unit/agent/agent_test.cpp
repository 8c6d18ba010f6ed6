// The whole agent over fakes, driven through its link.
#include "agent/reconcile/agent.h"

#include <gtest/gtest.h>

#include <thread>

#include "agent/hypervisor/fake.h"
#include "agent/network/fake.h"
#include "agent/storage/null_storage.h"
#include "tests/unit/agent/fake_control.h"
#include "tests/unit/agent/specs.h"

namespace lodge::agent {
namespace {

class AgentTest : public ::testing::Test {
  protected:
    void SetUp() override {
        options.host_id = HostId::trusted("h-00000000000000001");
        options.soon_ms = 5;
        options.period_ms = 50;
        options.longest_backoff_ms = 300;
        options.network_period_ms = 50;
        options.network_retry_ms = 20;
        options.patience = {
            .stop_ms = 200, .terminate_ms = 200, .ask_again_ms = 20, .reboot_ms = 200, .detach_again_ms = 50};
        make_agent();
    }
    void TearDown() override { agent.reset(); }

    void make_agent(bool away = false) {
        link = std::make_unique<FakeControl>();
        link->set_away(away);
        network.resume();
        agent = std::make_unique<Agent>(HostParts{hypervisor, storage, network, metadata}, *link, clock,
                                        random, options);
        agent->start();
    }

    link::DesiredGuest guest() { return desired_guest(random); }

    std::vector<NetworkInterfaceId> plugged() {
        const auto domains = hypervisor.list();
        return domains && domains->size() == 1 ? domains->front().interfaces
                                               : std::vector<NetworkInterfaceId>();
    }
    static bool eventually(const std::function<bool()>& holds) {
        for (int i = 0; i < 4000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return holds();
    }
    void become(Desired wanted, link::DesiredGuest& desired) {
        desired.desired = wanted;
        ++desired.generation;
        desired.observed = Observed::running;
        link->want(desired);
    }

    link::DesiredGuest run_one() {
        auto made = guest();
        link->want(made);
        EXPECT_TRUE(link->wait_for(made.guest_id, Observed::running));
        return made;
    }

    AgentOptions options;
    SystemClock clock;
    SeededRandom random{3};
    FakeHypervisor hypervisor{clock, {"fake", "x86_64", 8, 8192, "simulated"}};
    NullStorage storage{1000, [this](const InstanceId& id) { return hypervisor.console(id); }};
    FakeNetwork network;
    SeenMetadata metadata;
    std::unique_ptr<FakeControl> link;
    std::unique_ptr<Agent> agent;
};

TEST_F(AgentTest, StartsStopsAndRemoves) {
    auto desired = run_one();
    EXPECT_TRUE(storage.has_disk(desired.root_volume_id));
    desired.desired = Desired::stopped;
    desired.generation = 2;
    desired.observed = Observed::running;
    link->want(desired);
    ASSERT_TRUE(link->wait_for(desired.guest_id, Observed::gone));
    EXPECT_TRUE(storage.has_disk(desired.root_volume_id)) << "stopping keeps the disk";
    desired.desired = Desired::terminated;
    desired.generation = 3;
    desired.observed = Observed::gone;
    link->want(desired);
    ASSERT_TRUE(link->wait_for(desired.guest_id, Observed::removed));
    EXPECT_FALSE(storage.has_disk(desired.root_volume_id));
    EXPECT_TRUE(link->wait_for_console(desired.instance_id)) << "the last words were sent";
}

// An attachment that is taken back before the guest has it leaves the guest as it was: that has to be told.
TEST_F(AgentTest, TellsOfANewerGenerationThatChangesNothing) {
    auto desired = run_one();
    desired.generation = 2;
    desired.observed = Observed::running;
    link->want(desired);
    EXPECT_TRUE(link->wait_for_generation(desired.guest_id, 2));
}

TEST_F(AgentTest, SaysHelloWithTheHostsFacts) {
    auto facts = link->wait_for_hello();
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->vcpus, 8);
    EXPECT_EQ(facts->accelerator, "simulated");
}

TEST_F(AgentTest, AFencedHostEndsItsGuestsBeforeItSaysHello) {
    std::int64_t kept = 0;
    agent.reset();
    options.keep_epoch = [&](std::int64_t epoch) {
        kept = epoch;
        return hypervisor.list()->empty() || epoch == 1 ? Status()
                                                        : fail(ErrorCode::io_failure, "guests are left");
    };
    make_agent();
    auto stale = run_one();
    hypervisor.set_deaf(stale.guest_id, true);
    link->fence();
    ASSERT_TRUE(link->wait_for_hello_of(2));
    EXPECT_EQ(kept, 2);
    EXPECT_TRUE(hypervisor.list()->empty()) << "without asking, and without waiting";
    run_one();  // life goes on
    agent.reset();
}

TEST_F(AgentTest, AnAgentThatWasAwayEndsWhatWasFencedMeanwhile) {
    auto stale = run_one();
    agent.reset();
    options.epoch = 1;
    make_agent(true);
    link->fence();
    link->set_away(false);
    ASSERT_TRUE(link->wait_for_hello_of(2));
    EXPECT_TRUE(hypervisor.list()->empty());
}

// A control plane that says what it is told to, for an agent without threads.
class ScriptedControl final : public Link {
  public:
    Result<link::HelloReply> hello(const link::HelloRequest&) override {
        return link::HelloReply{hello_epoch, 100, {}};
    }
    Result<link::HeartbeatReply> heartbeat(const link::Heartbeat&) override { return link::HeartbeatReply{}; }
    Result<link::PollReply> poll(const link::PollRequest& request) override {
        auto reply = list;
        reply.changed = reply.version != request.known_version;
        return reply;
    }
    Result<link::ReportReply> report(const link::ReportRequest&) override { return link::ReportReply{}; }
    Result<link::LaunchDataReply> launch_data(const link::LaunchDataRequest&) override {
        return fail(ErrorCode::not_found, "none");
    }
    Result<link::LeftoversReply> leftovers(const link::LeftoversRequest&) override {
        return link::LeftoversReply{};
    }
    Status fetch(const link::Content&, const std::filesystem::path&) override { return {}; }
    Status store_layer(const SnapshotId&, const link::Content&, const std::filesystem::path&) override {
        return fail(ErrorCode::not_found, "none is wanted");
    }
    void interrupt() override {}

    std::int64_t hello_epoch = 1;
    link::PollReply list;
};

class EpochTest : public AgentTest {
  protected:
    void make_turning_agent() {
        agent.reset();
        control.list.version = "boot.1";
        control.list.guests = {guest()};
        agent = std::make_unique<Agent>(HostParts{hypervisor, storage, network, metadata}, control, clock,
                                        random, options);
    }
    void take_steps() {
        for (int i = 0; i < 10; ++i) {
            agent->reconcile_turn();
            while (agent->work_turn()) {
            }
        }
    }
    std::size_t domains() { return hypervisor.list()->size(); }
    void TearDown() override { agent.reset(); }  // before what it is linked to

    ScriptedControl control;
};

// The list was under way when the host was fenced.
TEST_F(EpochTest, AListOfTheOldEpochIsRefusedWhileThatIsLeft) {
    options.epoch = 1;
    options.keep_epoch = [&](std::int64_t epoch) {
        if (epoch == 1'000) {
            agent->poll_turn();
            take_steps();
        }
        return Status();
    };
    make_turning_agent();
    control.list.epoch = 1;
    control.hello_epoch = 1'000;
    agent->heartbeat_turn();
    take_steps();
    EXPECT_EQ(domains(), 0U);
    control.list.version = "boot.2";
    control.list.epoch = 1'000;
    agent->heartbeat_turn();
    agent->poll_turn();
    take_steps();
    EXPECT_EQ(domains(), 1U) << "that of the new epoch is followed";
}

// It was restored from a backup of before a fencing, and its list comes before its greeting.
TEST_F(EpochTest, AListOfARestoredControlPlaneCountsOnceItHasGreeted) {
    options.epoch = 1'000;
    make_turning_agent();
    control.list.epoch = control.hello_epoch = 1;
    EXPECT_GT(agent->poll_turn(), 0) << "it is asked again, not at once";
    take_steps();
    EXPECT_EQ(domains(), 0U);
    agent->heartbeat_turn();
    EXPECT_EQ(agent->poll_turn(), 0);
    take_steps();
    EXPECT_EQ(domains(), 1U);
}

// As before, but its first list is of the epoch that the agent has still.
TEST_F(EpochTest, AfterARestoreTheListIsAskedForAnew) {
    options.epoch = 1'000;
    make_turning_agent();
    control.list.epoch = 1'000;
    control.list.guests = {};
    agent->poll_turn();
    control.list.epoch = control.hello_epoch = 1;
    control.list.guests = {guest()};  // of the same version: nothing has changed since
    agent->heartbeat_turn();
    agent->poll_turn();
    take_steps();
    EXPECT_EQ(domains(), 1U);
}

TEST_F(AgentTest, ReportsAPowerOffFromInside) {
    auto desired = run_one();
    hypervisor.guest_powers_off(desired.guest_id);
    auto seen = link->wait_for(desired.guest_id, Observed::stopped);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->reason_code, "Client.InstanceInitiatedShutdown");
}

TEST_F(AgentTest, AFailedStartIsReportedWithItsReason) {
    hypervisor.fail_next_start("no such machine type");
    auto desired = guest();
    link->want(desired);
    auto seen = link->wait_for(desired.guest_id, Observed::failed);
    ASSERT_TRUE(seen);
    EXPECT_NE(seen->reason.find("no such machine type"), std::string::npos);
}

TEST_F(AgentTest, AGuestThatDoesNotListenIsForced) {
    auto desired = run_one();
    hypervisor.set_deaf(desired.guest_id, true);
    desired.desired = Desired::terminated;
    desired.generation = 2;
    desired.observed = Observed::running;
    link->want(desired);
    EXPECT_TRUE(link->wait_for(desired.guest_id, Observed::removed));
}

TEST_F(AgentTest, RebootsOnceAndResetsAGuestThatDoesNotListen) {
    for (bool deaf : {false, true}) {
        auto desired = run_one();
        hypervisor.set_deaf(desired.guest_id, deaf);
        desired.reboots_wanted = 1;
        desired.generation = 2;
        desired.observed = Observed::running;
        link->want(desired);
        EXPECT_TRUE(link->wait_for_reboots(desired.guest_id, 1));
        EXPECT_EQ(hypervisor.reboots_seen(desired.guest_id), 1);
    }
}

TEST_F(AgentTest, InterruptsOnceAndTellsSo) {
    auto desired = run_one();
    desired.interrupts_wanted = 2;
    desired.generation = 2;
    desired.observed = Observed::running;
    link->want(desired);
    EXPECT_TRUE(link->wait_for_interrupts(desired.guest_id, 2));
    auto console = hypervisor.console(desired.instance_id);
    auto first = console.find("NMI received");
    ASSERT_NE(first, std::string::npos);
    EXPECT_EQ(console.find("NMI received", first + 1), std::string::npos) << "two that waited are one";
}

TEST_F(AgentTest, GuestsThatDoNotRebootHoldUpNobody) {
    agent.reset();
    options.patience.reboot_ms = 600'000;
    make_agent();
    for (std::size_t i = 0; i < options.workers; ++i) {
        auto desired = run_one();
        hypervisor.set_deaf(desired.guest_id, true);
        desired.reboots_wanted = 1;
        desired.generation = 2;
        desired.observed = Observed::running;
        link->want(desired);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    run_one();
}

TEST_F(AgentTest, FetchesHoldUpOnlyWhoNeedsThem) {
    auto running = run_one();
    storage.set_image_away(std::string(64, 'b'));
    auto waiting = guest();
    for (std::size_t i = 0; i < options.workers + options.fetchers; ++i) {
        waiting = guest();
        waiting.image.sha256 = std::string(64, 'b');
        link->want(waiting);
    }
    run_one();
    running.desired = Desired::terminated;
    running.generation = 2;
    running.observed = Observed::running;
    link->want(running);
    EXPECT_TRUE(link->wait_for(running.guest_id, Observed::removed));
    storage.set_image_away(std::nullopt);
    EXPECT_TRUE(link->wait_for(waiting.guest_id, Observed::running));
}

TEST_F(AgentTest, AStepThatFailsIsTriedAgainWithPauses) {
    auto desired = run_one();
    hypervisor.destroy(desired.guest_id);
    hypervisor.undefine(desired.guest_id);
    ASSERT_TRUE(link->wait_for(desired.guest_id, Observed::stopped));
    desired.desired = Desired::terminated;
    desired.generation = 2;
    desired.observed = Observed::gone;
    link->set_reports_refused(true);
    link->want(desired);
    auto before = link->reports();
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    EXPECT_LE(link->reports() - before, 3U) << "the removal's report of the console";
    link->set_reports_refused(false);
    EXPECT_TRUE(link->wait_for(desired.guest_id, Observed::removed));
}

TEST_F(AgentTest, ReportsThatFailHoldUpNoStepAndPause) {
    link->set_reports_refused(true);
    std::vector<link::DesiredGuest> many;
    for (int i = 0; i < 120; ++i) {
        many.push_back(guest());
        link->want(many.back());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    EXPECT_EQ(hypervisor.list()->size(), many.size());
    EXPECT_LE(link->reports(), 4U);
    link->set_reports_refused(false);
    for (const auto& each : many) EXPECT_TRUE(link->wait_for(each.guest_id, Observed::running));
    EXPECT_LE(link->largest_report(), 50U);
}

TEST_F(AgentTest, AHypervisorThatDoesNotAnswerIsTold) {
    agent.reset();
    options.hypervisor_patience_ms = 50;
    make_agent();
    ASSERT_TRUE(link->wait_for_heartbeat(""));
    hypervisor.set_stuck(true);
    EXPECT_TRUE(link->wait_for_heartbeat("the hypervisor has not answered for 0 s"));
    hypervisor.set_stuck(false);
    EXPECT_TRUE(link->wait_for_heartbeat(""));
}

TEST_F(AgentTest, FollowsARestoredControlPlane) {
    auto desired = run_one();
    auto older = desired;
    desired.generation = 9;
    desired.observed = Observed::running;
    link->want(desired);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    older.generation = 6;
    older.observed = Observed::running;
    older.desired = Desired::stopped;
    link->want(older);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(link->count(Observed::gone), 0U) << "it is older";
    link->restore(older);
    EXPECT_TRUE(link->wait_for(older.guest_id, Observed::gone));
}

TEST_F(AgentTest, WhatIsLeftEndsByTheControlPlanesWordAlone) {
    auto stranger = run_one();
    auto known = guest();
    link->restore(known);
    ASSERT_TRUE(link->wait_for(known.guest_id, Observed::running));
    auto orphan = VolumeId::make(random);
    storage.add_disk(orphan);
    auto volumes = std::vector{stranger.root_volume_id, orphan};
    std::sort(volumes.begin(), volumes.end());
    const link::LeftGuest left{stranger.guest_id, stranger.instance_id, true};
    ASSERT_TRUE(link->wait_for_leftovers({{left}, volumes}));
    EXPECT_EQ(hypervisor.list()->size(), 2U) << "nothing ends unasked";
    link->set_over({{stranger.guest_id, known.guest_id}, {orphan, known.root_volume_id}});
    ASSERT_TRUE(link->wait_for_leftovers({{}, {stranger.root_volume_id}}));
    ASSERT_EQ(hypervisor.list()->size(), 1U);
    EXPECT_EQ(hypervisor.list()->front().guest_id, known.guest_id) << "what is wanted stays";
    EXPECT_TRUE(storage.has_disk(known.root_volume_id));
    EXPECT_FALSE(storage.has_disk(orphan));
    link->set_over({{}, {stranger.root_volume_id}});
    EXPECT_TRUE(link->wait_for_leftovers({})) << "that nothing is left is told, too";
}

TEST_F(AgentTest, ANewAgentTellsOfNothingLeftBeforeItKnowsItsGuests) {
    auto desired = run_one();
    agent.reset();
    make_agent(true);
    link->set_over({{desired.guest_id}, {desired.root_volume_id}});
    ASSERT_TRUE(link->wait_for_heartbeat(""));
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    EXPECT_TRUE(link->wait_for_leftovers({}));
    EXPECT_EQ(hypervisor.list()->size(), 1U);
}

TEST_F(AgentTest, ANewerGuestThanTheBackupsEndsBeforeItsDiskGoes) {
    auto newer = run_one();
    auto older = newer;
    older.guest_id = GuestId::make(random);
    older.observed = Observed::gone;
    older.desired = Desired::stopped;
    link->restore(older);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_EQ(hypervisor.list()->size(), 1U) << "it is left alone";
    older.desired = Desired::terminated;
    older.generation = 2;
    link->want(older);
    ASSERT_TRUE(link->wait_for(older.guest_id, Observed::removed));
    EXPECT_TRUE(hypervisor.list()->empty());
}

TEST_F(AgentTest, AShortJobIsNotRunTwice) {
    auto desired = run_one();
    agent.reset();  // killed before the control plane heard that it ran
    hypervisor.guest_powers_off(desired.guest_id);
    make_agent();
    desired.observed = Observed::starting;
    link->want(desired);
    EXPECT_TRUE(link->wait_for(desired.guest_id, Observed::stopped));
    EXPECT_EQ(link->count(Observed::running), 0U);
}

TEST_F(AgentTest, ANewAgentTakesARunningGuestOverUnharmed) {
    auto desired = run_one();
    agent.reset();
    make_agent();
    desired.observed = Observed::running;
    link->want(desired);
    desired.reboots_wanted = 1;
    desired.generation = 2;
    link->want(desired);
    hypervisor.guest_powers_off(desired.guest_id);
    EXPECT_TRUE(link->wait_for(desired.guest_id, Observed::stopped));
    EXPECT_EQ(link->count(Observed::starting), 0U) << "it was not started a second time";
}

TEST_F(AgentTest, AnUnreachableHypervisorIsNotAFailure) {
    hypervisor.set_unavailable(true);
    auto desired = guest();
    link->want(desired);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    hypervisor.set_unavailable(false);
    EXPECT_TRUE(link->wait_for(desired.guest_id, Observed::running));
    EXPECT_EQ(link->count(Observed::failed), 0U);
}

TEST_F(AgentTest, WhatCouldNotBeReportedIsReportedLater) {
    auto desired = run_one();
    link->set_away(true);
    hypervisor.guest_powers_off(desired.guest_id);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    link->set_away(false);
    EXPECT_TRUE(link->wait_for(desired.guest_id, Observed::stopped));
}

TEST_F(AgentTest, SendsAConsoleThatSomebodyWaitsFor) {
    auto desired = run_one();
    link->ask_console(desired.instance_id);
    EXPECT_TRUE(link->wait_for_console(desired.instance_id));
}

TEST_F(AgentTest, StartsGuestsWithTheirInterfacesAndReportsThem) {
    auto desired = guest();
    desired.interfaces = {desired_interface(1), desired_interface(2)};
    link->want(desired);
    ASSERT_TRUE(link->wait_for(desired.guest_id, Observed::running));
    EXPECT_TRUE(link->wait_for_interfaces(
        desired.guest_id, {example_nic(1).network_interface_id, example_nic(2).network_interface_id}));
    for (int i = 0; i < 2'000 && !network.settings(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(network.settings()) << "another thread's work";
    EXPECT_EQ(network.released(), (std::set{example_nic(1).port_uuid, example_nic(2).port_uuid}));
    EXPECT_EQ(network.settings()->southbound_remote, "unix:/ovnsb_db.sock");
}

TEST_F(AgentTest, AttachesAndDetachesWhileTheGuestRuns) {
    auto desired = run_one();
    desired.observed = Observed::running;
    desired.interfaces = {desired_interface(1)};
    link->want(desired);
    EXPECT_TRUE(link->wait_for_interfaces(desired.guest_id, {example_nic(1).network_interface_id}));
    hypervisor.set_clinging(desired.guest_id, true);
    desired.interfaces = {desired_interface(2)};
    link->want(desired);
    EXPECT_TRUE(link->wait_for_interfaces(
        desired.guest_id, {example_nic(1).network_interface_id, example_nic(2).network_interface_id}))
        << "the guest does not let go of the first";
    hypervisor.set_clinging(desired.guest_id, false);
    EXPECT_TRUE(link->wait_for_interfaces(desired.guest_id, {example_nic(2).network_interface_id}));
}

TEST_F(AgentTest, ReportsAPortThatIsNotInstalledAnyMore) {
    auto desired = guest();
    desired.interfaces = {desired_interface(1)};
    link->want(desired);
    ASSERT_TRUE(link->wait_for_interfaces(desired.guest_id, {example_nic(1).network_interface_id}));
    network.uninstall(example_nic(1).port_uuid);
    EXPECT_TRUE(link->wait_for_interfaces(desired.guest_id, {}));
    EXPECT_EQ(hypervisor.list()->size(), 1U);
}

TEST_F(AgentTest, InterfacesAreReportedAnewByANewAgentAndToARestoredControlPlane) {
    auto desired = guest();
    desired.interfaces = {desired_interface(1)};
    link->want(desired);
    const std::vector ids = {example_nic(1).network_interface_id};
    ASSERT_TRUE(link->wait_for_interfaces(desired.guest_id, ids));
    agent.reset();
    make_agent();
    desired.observed = Observed::running;
    link->want(desired);
    EXPECT_TRUE(link->wait_for_interfaces(desired.guest_id, ids));
    const auto before = link->reports();
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    EXPECT_EQ(link->reports(), before) << "once";
    link->restore(desired);
    EXPECT_TRUE(eventually([&] { return link->reports() > before; }));
}

TEST_F(AgentTest, NoGuestRunsBeforeItsPortsAreInstalled) {
    agent.reset();
    options.port_patience_ms = 1'000;
    make_agent();
    network.set_installing(false);
    auto desired = guest();
    desired.interfaces = {desired_interface(1)};
    link->want(desired);
    EXPECT_TRUE(eventually([&] {
        const auto domains = hypervisor.list();
        return !domains->empty() && domains->front().state == DomainState::held;
    }));
    const auto seen = link->wait_for(desired.guest_id, Observed::failed);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->reason, "the network port of " + example_nic(1).network_interface_id.str() +
                                " was not installed within 1 s: the simulated network installs nothing");
    EXPECT_EQ(link->count(Observed::running), 0U);
    EXPECT_TRUE(hypervisor.list()->empty());
}

TEST_F(AgentTest, AnAgentThatStopsDoesNotWaitForPorts) {
    network.set_installing(false);
    auto desired = guest();
    desired.interfaces = {desired_interface(1)};
    link->want(desired);
    ASSERT_TRUE(eventually([&] { return !hypervisor.list()->empty(); }));
    const auto start_ms = clock.steady_ms();
    agent.reset();
    EXPECT_LT(clock.steady_ms() - start_ms, 10'000);
    EXPECT_TRUE(hypervisor.list()->empty()) << "the next agent starts it anew";
}

TEST_F(AgentTest, AStartWaitsForTheHostsNetwork) {
    network.set_problem("ovn-controller does not run");
    auto desired = guest();
    desired.interfaces = {desired_interface(1)};
    link->want(desired);
    EXPECT_TRUE(link->wait_for_network_error("ovn-controller does not run"));
    const auto seen = link->wait_for(desired.guest_id, Observed::starting);
    ASSERT_TRUE(seen);
    EXPECT_TRUE(hypervisor.list()->empty());
    const auto other = run_one();  // which has no interface
    EXPECT_EQ(hypervisor.list()->front().guest_id, other.guest_id);
    network.set_problem("");
    EXPECT_TRUE(link->wait_for(desired.guest_id, Observed::running));
    EXPECT_TRUE(link->wait_for_network_error(""));
    EXPECT_EQ(link->count(Observed::failed), 0U);
}

TEST_F(AgentTest, AStartWaitsForWhatTheGuestWillAskFor) {
    metadata.has_launch_data = false;
    auto desired = guest();
    desired.interfaces = {desired_interface(1)};
    link->want(desired);
    const auto other = run_one();  // which has no interface to ask by
    EXPECT_EQ(hypervisor.list()->size(), 1U);
    EXPECT_EQ(hypervisor.list()->front().guest_id, other.guest_id);
    metadata.has_launch_data = true;
    EXPECT_TRUE(link->wait_for(desired.guest_id, Observed::running));
    EXPECT_EQ(link->count(Observed::failed), 0U);
}

TEST_F(AgentTest, OvnThatGoesDownDuringAStartIsNotTheGuestsFailure) {
    agent.reset();
    options.port_patience_ms = 200;
    make_agent();
    network.set_installing(false);
    auto desired = guest();
    desired.interfaces = {desired_interface(1)};
    link->want(desired);
    ASSERT_TRUE(eventually([&] { return !hypervisor.list()->empty(); }));
    network.set_problem("ovs-vswitchd does not run");
    ASSERT_TRUE(eventually([&] { return hypervisor.list()->empty(); })) << "it is not left held";
    network.set_installing(true);
    network.set_problem("");
    EXPECT_TRUE(link->wait_for(desired.guest_id, Observed::running));
    EXPECT_EQ(link->count(Observed::failed), 0U);
}

TEST_F(AgentTest, NothingStartsBeforeItIsKnownWhatNetworkThereIs) {
    network.set_kind(NetworkKind::unknown);
    auto desired = guest();
    desired.interfaces = {desired_interface(1)};
    link->want(desired);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(hypervisor.list()->empty());
    network.set_kind(NetworkKind::present);
    EXPECT_TRUE(link->wait_for(desired.guest_id, Observed::running));
    EXPECT_EQ(plugged().size(), 1U);
}

TEST_F(AgentTest, HostsWithoutANetworkRunGuestsWithoutInterfaces) {
    network.set_kind(NetworkKind::none);
    auto desired = guest();
    desired.interfaces = {desired_interface(1)};
    link->want(desired);
    ASSERT_TRUE(link->wait_for(desired.guest_id, Observed::running));
    EXPECT_TRUE(plugged().empty());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(plugged().empty()) << "nor are they attached later";
}

TEST_F(AgentTest, GoesOnWithWhatAKilledAgentLeftHeld) {
    auto desired = guest();
    desired.interfaces = {desired_interface(1)};
    GuestSpec spec = example_guest();
    spec.guest_id = desired.guest_id;
    spec.instance_id = desired.instance_id;
    spec.interfaces = {example_nic(1)};
    hypervisor.leave_held(spec);
    desired.observed = Observed::starting;
    link->want(desired);
    EXPECT_TRUE(link->wait_for(desired.guest_id, Observed::running));
}

TEST_F(AgentTest, KeepsMetadataNetworksForGuestsThatAreHere) {
    auto desired = guest();
    desired.interfaces = {desired_interface(1)};
    link->want(desired);
    ASSERT_TRUE(link->wait_for(desired.guest_id, Observed::running));
    EXPECT_TRUE(eventually([&] { return metadata.networks().size() == 1; }));
    const auto networks = metadata.networks();
    ASSERT_EQ(networks.size(), 1U);
    EXPECT_EQ(networks.front().netns, "/run/netns/lodge-00000000000000001");
    EXPECT_EQ(networks.front().addresses,
              (std::vector<std::string>{"169.254.169.254", "169.254.169.253", "10.0.0.2"}));
    EXPECT_EQ(metadata.guests().size(), 1U);
    desired.metadata.hostname = "another";
    desired.observed = Observed::running;
    link->want(desired);
    EXPECT_TRUE(eventually([&] { return metadata.guests().front().metadata.hostname == "another"; }));
    hypervisor.set_deaf(desired.guest_id, true);
    become(Desired::stopped, desired);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_EQ(metadata.networks().size(), 1U) << "the guest still runs";
    ASSERT_TRUE(link->wait_for(desired.guest_id, Observed::gone));
    EXPECT_TRUE(eventually([&] { return metadata.networks().empty(); }));
}

TEST_F(AgentTest, ANewAgentLeavesMetadataNetworksUntilItKnowsItsGuests) {
    auto desired = guest();
    desired.interfaces = {desired_interface(1)};
    link->want(desired);
    ASSERT_TRUE(eventually([&] { return network.metadata().size() == 1; }));
    agent.reset();
    make_agent(true);
    ASSERT_TRUE(link->wait_for_network_error(""));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_EQ(network.metadata().size(), 1U);
    link->set_away(false);
    EXPECT_TRUE(eventually([&] { return network.metadata().empty(); }))
        << "nobody asks for the guest any more";
}

TEST_F(AgentTest, MetadataNetworksThatCannotBeMadeAreTheHostsTrouble) {
    network.set_metadata_failure("ip failed");
    EXPECT_TRUE(link->wait_for_network_error("ip failed"));
    network.set_metadata_failure(std::nullopt);
    EXPECT_TRUE(link->wait_for_network_error(""));
}

}  // namespace
}  // namespace lodge::agent
