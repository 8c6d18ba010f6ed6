// The loops over a real database, with time turned by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/events.h"
#include "db/store/guests.h"
#include "db/store/hosts.h"
#include "db/store/instances.h"
#include "db/store/reservations.h"
#include "db/store/snapshots.h"
#include "db/store/volumes.h"
#include "scheduler/reconcile/fencing.h"
#include "scheduler/volumes/attachments.h"
#include "scheduler/volumes/snapshots.h"
#include "tests/unit/scheduler/process.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr std::int64_t minute_ms = 60'000;
const link::Heartbeat sick{false, "gone", 0, true, ""};

class Reconcile : public ::testing::Test {
  protected:
    void SetUp() override {
        database = std::move(*db::open_sqlite(folder.path() / "test.db"));
        ASSERT_TRUE(db::migrate(*database));
        host.id = HostId::make(random);
        host.zone = "z1";
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            db::accounts::insert(session, {account, "test", 0});
            db::hosts::insert(session, host);
            return {};
        }));
        restart();
    }

    void restart() { process = std::make_unique<Process>(*database, clock, timing); }

    void hello() {
        link::HelloRequest request;
        request.facts = {"node", "x86_64", 8, 16384, 100'000, "kvm", "test"};
        ASSERT_TRUE(process->agents.hello(host.id, request));
    }

    // `minutes` with a heartbeat and a tick every five seconds.
    void go_on(std::int64_t minutes, const link::Heartbeat& beat = {}) {
        for (std::int64_t passed = 0; passed < minutes * minute_ms; passed += 5'000) {
            clock.advance_ms(5'000);
            process->agents.heartbeat(host.id, beat);
            process->upkeep.tick();
        }
    }

    // The host is; lodged listens.
    void be_silent(std::int64_t ms) {
        for (std::int64_t passed = 0; passed < ms; passed += 1'000) {
            clock.advance_ms(1'000);
            process->upkeep.tick();
        }
    }

    void launch() {
        instance.id = InstanceId::make(random);
        guest.id = instance.guest_id = GuestId::make(random);
        guest.instance_id = instance.id;
        guest.host_id = instance.host_id = host.id;
        guest.vcpus = instance.vcpus = 1;
        guest.memory_mib = instance.memory_mib = 512;
        instance.account_id = account;
        instance.root_volume_id = VolumeId::make(random);
        instance.reservation_id = ReservationId::make(random);
        instance.desired_ms = clock.now_ms();
        ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
            db::reservations::insert(session, {instance.reservation_id, account, "", 0});
            EXPECT_TRUE(process->claims.claim(session, guest));
            db::instances::insert(session, instance);
            db::guests::insert(session, guest);
            return {};
        }));
    }

    void report(Observed observed) {
        link::ReportRequest request;
        request.guests.push_back({guest.id, row().instance.generation, observed, 0, 0, "", "", {}});
        ASSERT_TRUE(process->agents.report(host.id, request));
    }

    // All that the host is told.
    link::PollReply poll() {
        link::PollReply told;
        process->agents.poll(host.id, {"", 0},
                             [&](Result<link::PollReply> reply) { told = std::move(*reply); });
        return told;
    }

    db::instances::WithGuest row() {
        return *database->read([&](db::Session& session) -> Result<db::instances::WithGuest> {
            return *db::instances::find_any(session, instance.id);
        });
    }
    InstanceState state() {
        auto now = row();
        return visible_state(now.instance.desired, now.guest.observed);
    }
    // Of one kind, oldest first.
    std::vector<std::string> events(const std::string& resource, std::string_view kind) {
        return *database->read([&](db::Session& session) -> Result<std::vector<std::string>> {
            std::vector<std::string> told;
            for (const auto& each : db::events::latest_of(session, resource, 100))
                if (each.kind == kind) told.insert(told.begin(), each.message);
            return told;
        });
    }

    const AccountId account = "000000000001";
    TemporaryFolder folder;
    ManualClock clock{1'000'000'000};
    Timing timing;
    SeededRandom random{1};
    Host host;
    Instance instance;
    Guest guest;
    std::unique_ptr<db::Database> database;
    std::unique_ptr<Process> process;
};

TEST_F(Reconcile, AGuestThatTheHostDoesNotStartIsGivenUp) {
    hello();
    launch();
    go_on(9);
    EXPECT_EQ(state(), InstanceState::pending);
    go_on(2);
    EXPECT_EQ(state(), InstanceState::shutting_down);
}

TEST_F(Reconcile, ARestartAfterALongAbsenceLosesNoNewGuest) {
    hello();
    launch();
    process.reset();
    clock.advance_ms(30 * minute_ms);
    restart();
    process->upkeep.tick();
    EXPECT_EQ(state(), InstanceState::pending);
    EXPECT_EQ(events(instance.id.str(), "deadline").size(), 1U) << "told";
    hello();
    go_on(1);
    EXPECT_EQ(state(), InstanceState::pending);
    report(Observed::running);
    go_on(20);
    EXPECT_EQ(state(), InstanceState::running);
}

TEST_F(Reconcile, APartitionLosesNoNewGuest) {
    hello();
    launch();
    for (int i = 0; i < 30; ++i) {
        clock.advance_ms(minute_ms);
        process->upkeep.tick();
    }
    EXPECT_EQ(state(), InstanceState::pending);
    go_on(9);
    EXPECT_EQ(state(), InstanceState::pending) << "the host has the whole time again";
    go_on(2);
    EXPECT_EQ(state(), InstanceState::shutting_down);
}

TEST_F(Reconcile, WithoutAHypervisorTheHostCannotTell) {
    hello();
    launch();
    go_on(30, sick);
    EXPECT_EQ(state(), InstanceState::pending);
    go_on(9);
    EXPECT_EQ(state(), InstanceState::pending);
}

TEST_F(Reconcile, ADateThatWasSetMakesNothingLate) {
    hello();
    go_on(20);
    launch();
    clock.set_calendar_forward_ms(60 * minute_ms);
    go_on(9);
    EXPECT_EQ(state(), InstanceState::pending);
    go_on(2);
    EXPECT_EQ(state(), InstanceState::shutting_down);
}

TEST_F(Reconcile, StoppingIsToldAndGoesOn) {
    hello();
    launch();
    report(Observed::running);
    ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
        auto now = *db::instances::find_any(session, instance.id);
        want_stop(now.instance, false, clock.now_ms());
        db::instances::update(session, now.instance);
        return {};
    }));
    go_on(20);
    EXPECT_EQ(state(), InstanceState::stopping);
    EXPECT_EQ(events(instance.id.str(), "deadline").size(), 1U);
}

TEST_F(Reconcile, EveryChangeOfAHostsConditionIsTold) {
    hello();
    process->upkeep.tick();
    go_on(1);
    be_silent(minute_ms);
    go_on(1);
    go_on(1, sick);
    go_on(1);
    EXPECT_THAT(events(host.id.str(), "condition"),
                ElementsAre("ready", "unreachable: its agent is not heard; its guests may well run", "ready",
                            "not schedulable: its hypervisor does not answer", "ready"));
}

TEST_F(Reconcile, AHostWithLittleDiskSpaceTakesNothingNew) {
    hello();
    EXPECT_EQ(process->hub.condition(host.id, HostState::active), HostCondition::ok) << "not told yet";
    for (auto [free_mib, condition] :
         {std::pair{2047, HostCondition::low_disk}, std::pair{2048, HostCondition::ok}}) {
        process->agents.heartbeat(host.id, {true, "", free_mib, true, ""});
        EXPECT_EQ(process->hub.condition(host.id, HostState::active), condition);
        EXPECT_EQ(process->hub.condition(host.id, HostState::draining), HostCondition::draining);
    }
}

TEST_F(Reconcile, AHostWithoutAHypervisorSaysSoBeforeItCanSayHello) {
    hello();
    restart();
    EXPECT_TRUE(process->agents.heartbeat(host.id, sick).hello_wanted);
    EXPECT_EQ(process->hub.condition(host.id, HostState::active), HostCondition::hypervisor_down);
    EXPECT_TRUE(process->agents.heartbeat(host.id, {}).hello_wanted);
    EXPECT_EQ(process->hub.condition(host.id, HostState::active), HostCondition::unreachable);
    hello();
    EXPECT_FALSE(process->agents.heartbeat(host.id, {}).hello_wanted);
    EXPECT_EQ(process->hub.condition(host.id, HostState::active), HostCondition::ok);
}

TEST_F(Reconcile, AHostWithoutANetworkKeepsItsGuestsAndTakesNone) {
    hello();
    link::Heartbeat heartbeat;
    heartbeat.network_ok = false;
    process->agents.heartbeat(host.id, heartbeat);
    EXPECT_EQ(process->hub.condition(host.id, HostState::active), HostCondition::network_down);
    EXPECT_TRUE(serves(HostCondition::network_down));
    process->upkeep.tick();
    EXPECT_THAT(events(host.id.str(), "condition").back(), testing::HasSubstr("without a working network"));
}

TEST_F(Reconcile, NothingIsSaidOfAHostInTheFirstTwoLeases) {
    EXPECT_TRUE(process->hub.settling(host.id));
    clock.advance_ms(2 * timing.lease_ms);
    EXPECT_TRUE(process->hub.settling(host.id));
    clock.advance_ms(1);
    EXPECT_FALSE(process->hub.settling(host.id));
    restart();
    hello();
    EXPECT_FALSE(process->hub.settling(host.id));
}

TEST_F(Reconcile, AHelloThatIsNotCommittedChangesNoCapacity) {
    hello();
    auto before = *process->claims.index().find(host.id);
    auto refused = database->write([&](db::Session& session) -> Status {
        Host bigger = host;
        bigger.vcpus = 1000;
        process->claims.put_host(session, bigger, HostCondition::draining);
        process->claims.set_condition(session, host.id, HostCondition::unreachable);
        Host another = host;
        another.id = HostId::make(random);
        process->claims.put_host(session, another, HostCondition::ok);
        return fail(ErrorCode::internal_error);
    });
    EXPECT_FALSE(refused);
    EXPECT_EQ(*process->claims.index().find(host.id), before);
    EXPECT_EQ(process->claims.index().size(), 1);
}

TEST_F(Reconcile, APollThatTheExecutorRefusesIsAnsweredAtTheNextTick) {
    hello();
    int answers = 0;
    auto version = process->hub.version(host.id);
    process->agents.poll(host.id, {version, 50'000}, [&](const Result<link::PollReply>&) { ++answers; });
    process->busy = true;
    process->hub.changed(host.id);
    process->hub.tick();
    EXPECT_EQ(answers, 0);
    process->busy = false;
    process->hub.tick();
    EXPECT_EQ(answers, 1);
    process->hub.tick();
    EXPECT_EQ(answers, 1);
}

class Fencing : public Reconcile {
  protected:
    Result<Fenced> fence_it() {
        return database->write([&](db::Session& session) -> Result<Fenced> {
            return fence(session, process->claims, process->hub, *db::hosts::find(session, host.id),
                         clock.now_ms());
        });
    }
    std::int64_t epoch_told(std::int64_t known) {
        auto reply =
            process->agents.hello(host.id, {{"node", "x86_64", 8, 16384, 100'000, "kvm", "test"}, known});
        return reply ? reply->epoch : -1;
    }
    std::int64_t free_vcpus() { return process->claims.index().find(host.id)->free_vcpus; }
};

TEST_F(Fencing, AHostThatIsHeardIsNotFenced) {
    hello();
    launch();
    report(Observed::running);
    auto refused = fence_it();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::conflict);
    restart();  // and right after a restart nobody knows
    EXPECT_FALSE(fence_it());
    EXPECT_EQ(state(), InstanceState::running);
}

TEST_F(Fencing, ItsGuestsAreGoneAndTheirClaimsFree) {
    hello();
    auto before = free_vcpus();
    launch();
    report(Observed::running);
    auto generation = row().instance.generation;
    clock.advance_ms(2 * timing.lease_ms + 1);
    EXPECT_EQ(fence_it()->guests_lost, 1);
    EXPECT_EQ(state(), InstanceState::stopped);
    EXPECT_EQ(row().instance.state_reason, "Server.InternalError: Its host was lost");
    EXPECT_EQ(free_vcpus(), before);
    EXPECT_GT(row().instance.generation, generation);
    EXPECT_THAT(events(instance.id.str(), "state"),
                ::testing::Contains(::testing::HasSubstr("running -> stopped")));
    EXPECT_EQ(fence_it()->guests_lost, 0) << "again: an epoch later, nothing to lose";
}

TEST_F(Fencing, AGuestThatNeverRanEndsItsInstance) {
    hello();
    launch();
    clock.advance_ms(timing.lease_ms + 1);
    EXPECT_EQ(fence_it()->guests_lost, 1);
    EXPECT_EQ(state(), InstanceState::shutting_down) << "its disk goes when the host is back";
}

TEST_F(Fencing, TheHostIsNotGreetedBeforeItsAgentKnowsTheEpoch) {
    hello();
    launch();
    report(Observed::running);
    clock.advance_ms(timing.lease_ms + 1);
    const auto epoch = fence_it()->epoch;
    EXPECT_EQ(epoch_told(1), epoch);
    EXPECT_FALSE(process->hub.known(host.id));
    EXPECT_EQ(epoch_told(0), epoch) << "one that has lost its memory has to end its guests as well";
    EXPECT_FALSE(process->hub.known(host.id));
    EXPECT_EQ(epoch_told(epoch), epoch);
    EXPECT_TRUE(process->hub.known(host.id));
    report(Observed::running);  // late, and of the old epoch's guest
    EXPECT_EQ(state(), InstanceState::stopped);
}

TEST_F(Fencing, AHostThatIsHeardButNotGreetedIsNotFenced) {
    restart();
    clock.advance_ms(2 * timing.lease_ms + 1);
    EXPECT_TRUE(process->agents.heartbeat(host.id, {}).hello_wanted);
    auto refused = fence_it();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::conflict);
}

TEST_F(Fencing, NoEpochComesTwiceNotEvenAfterARestore) {
    clock.advance_ms(2 * timing.lease_ms + 1);
    const auto first = fence_it()->epoch;
    EXPECT_GT(fence_it()->epoch, first);
    ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
        session.execute("UPDATE hosts SET epoch = 1");
        return {};
    }));
    clock.advance_ms(2'000);
    EXPECT_GT(fence_it()->epoch, first);
}

TEST_F(Fencing, TimeInWhichLodgedStoodStillIsNobodysSilence) {
    hello();
    process->upkeep.tick();
    clock.advance_ms(10 * minute_ms);
    process->upkeep.tick();
    EXPECT_EQ(process->hub.condition(host.id, HostState::active), HostCondition::ok);
    EXPECT_FALSE(fence_it());
    EXPECT_LT(process->hub.well_ms(host.id), minute_ms) << "nor has the host been well all the while";
    be_silent(timing.lease_ms + 1'000);
    EXPECT_EQ(process->hub.condition(host.id, HostState::active), HostCondition::unreachable);
    EXPECT_TRUE(fence_it());
}

// --- What hosts have and nobody wants there

// What an agent is told of the volumes on its host, and what its word does to them.
TEST_F(Reconcile, HostsAreToldOfVolumesAndTellThatTheyAreGone) {
    hello();
    launch();
    const auto made = [&](bool deleting, const InstanceId& of) {
        Volume volume;
        volume.id = VolumeId::make(random);
        volume.account_id = account;
        volume.host_id = host.id;
        volume.deleting = deleting;
        volume.size_bytes = 5 << 20;
        if (!of.empty()) volumes::put_attachment(volume, instance, "/dev/sdf", AttachmentState::attaching, 1);
        EXPECT_TRUE(database->write([&](db::Session& session) -> Status {
            db::volumes::insert(session, volume);
            return {};
        }));
        return volume.id;
    };
    const auto free = made(false, {});
    const auto doomed = made(true, {});
    const auto attached = made(false, instance.id);
    auto told = poll();
    EXPECT_THAT(told.kept_volumes, UnorderedElementsAre(free, attached));
    EXPECT_THAT(told.doomed_volumes, ElementsAre(doomed));
    ASSERT_THAT(told.guests, SizeIs(1));
    ASSERT_THAT(told.guests.front().disks, SizeIs(1));
    EXPECT_EQ(told.guests.front().disks.front().volume_id, attached);
    EXPECT_EQ(told.guests.front().disks.front().target, "vdf");
    EXPECT_FALSE(told.guests.front().disks.front().keep);
    const link::LeftoversRequest left{{}, {free, doomed, attached}};
    EXPECT_EQ(*process->agents.leftovers(host.id, left), link::LeftoversReply{});
    link::ReportRequest request;
    request.guests.push_back({guest.id, row().instance.generation, Observed::running, 0, 0, "", "", {}});
    request.guests.back().disks = {{attached, 5 << 20, 0, 0}};
    request.removed_volumes = {doomed, free};
    ASSERT_TRUE(process->agents.report(host.id, request));
    ASSERT_TRUE(process->agents.report(host.id, request)) << "and once more";
    told = poll();
    EXPECT_THAT(told.kept_volumes, UnorderedElementsAre(free, attached)) << "nobody has deleted it";
    EXPECT_THAT(told.doomed_volumes, IsEmpty());
    EXPECT_TRUE(told.guests.front().disks.front().keep);
}

// A snapshot's way: the host is told of the cut, sends the layer, and builds on it.
TEST_F(Reconcile, HostsAreToldOfCutsUntilTheLayerIsThere) {
    hello();
    launch();
    Snapshot snapshot;
    snapshot.id = SnapshotId::make(random);
    snapshot.account_id = account;
    Volume volume;
    volume.id = VolumeId::make(random);
    volume.account_id = account;
    volume.host_id = host.id;
    volume.size_bytes = 5 << 20;
    volume.deleting = true;
    EXPECT_TRUE(database->write([&](db::Session& session) -> Status {
        db::volumes::insert(session, volume);
        return volumes::begin_snapshot(session, snapshot, volume, 1);
    }));
    auto told = poll();
    EXPECT_THAT(told.doomed_volumes, IsEmpty()) << "its layer is needed";
    ASSERT_THAT(told.cuts, SizeIs(1));
    EXPECT_EQ(told.cuts.front().snapshot_id, snapshot.id);
    EXPECT_EQ(told.cuts.front().disk.cuts, 1);
    EXPECT_THAT(told.cuts.front().disk.layers, ElementsAre(link::Content{"", "qcow2", 0}));
    const link::LayerRequest sent{snapshot.id, {std::string(64, 'a'), "qcow2", 7}};
    EXPECT_TRUE(process->agents.awaited_layer(host.id, snapshot.id));
    EXPECT_FALSE(process->agents.awaited_layer(HostId::make(random), snapshot.id));
    EXPECT_FALSE(process->agents.layer(HostId::make(random), sent));
    process->agents.note_progress(host.id, snapshot.id, 40);
    EXPECT_EQ(process->agents.awaited_layer(host.id, snapshot.id)->progress, 40);
    ASSERT_TRUE(process->agents.layer(host.id, sent));
    ASSERT_TRUE(process->agents.layer(host.id, sent)) << "and once more";
    told = poll();
    EXPECT_THAT(told.cuts, IsEmpty());
    EXPECT_THAT(told.doomed_volumes, ElementsAre(volume.id));
    EXPECT_FALSE(process->agents.awaited_layer(host.id, snapshot.id));
}

TEST_F(Reconcile, OfWhatIsLeftOnlyWhatIsKnownToBeOverEnds) {
    hello();
    launch();
    const link::LeftoversRequest left{{{guest.id, instance.id, true}}, {row().instance.root_volume_id}};
    EXPECT_EQ(*process->agents.leftovers(host.id, left), link::LeftoversReply{}) << "it is wanted";
    EXPECT_TRUE(process->agents.leftovers().unknown().empty());
    instance = row().instance;
    instance.desired = Desired::terminated;
    ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
        db::instances::update(session, instance);
        return {};
    }));
    report(Observed::removed);
    const auto over = *process->agents.leftovers(host.id, left);
    EXPECT_THAT(over.end_guests, ElementsAre(guest.id));
    EXPECT_THAT(over.remove_volumes, ElementsAre(left.volumes.front()));
}

TEST_F(Reconcile, OfCachedContentOnlyWhatNothingUsesGoes) {
    hello();
    launch();
    const std::string used(64, 'a');
    const std::string unused(64, 'b');
    const std::string unknown(64, 'c');
    Snapshot snapshot;
    snapshot.id = SnapshotId::make(random);
    snapshot.account_id = account;
    snapshot.state = SnapshotState::completed;
    snapshot.sha256 = used;
    auto former = snapshot;
    former.id = SnapshotId::make(random);
    former.sha256 = unused;
    Volume made;
    made.id = VolumeId::make(random);
    made.account_id = account;
    made.host_id = host.id;
    made.made = true;
    auto fresh = made;
    fresh.id = VolumeId::make(random);
    fresh.made = false;
    ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
        db::snapshots::insert(session, snapshot);
        db::snapshots::insert(session, former);
        db::snapshots::erase(session, former.id);
        db::volumes::insert(session, made);
        db::volumes::insert(session, fresh);
        return {};
    }));
    link::LeftoversRequest told;
    told.tells_files = true;
    told.contents = {used, unused, unknown};
    told.missing = {made.id, fresh.id, VolumeId::make(random)};
    EXPECT_THAT(process->agents.leftovers(host.id, told)->remove_contents, ElementsAre(unused));
    EXPECT_THAT(process->agents.leftovers().missing().at(host.id), ElementsAre(made.id));
    EXPECT_THAT(process->agents.leftovers(host.id, {})->remove_contents, IsEmpty());
    EXPECT_THAT(process->agents.leftovers().missing().at(host.id), SizeIs(1))
        << "it was not asked about files";
    told.missing.clear();
    told.volumes = {VolumeId::make(random)};
    EXPECT_THAT(process->agents.leftovers(host.id, told)->remove_contents, IsEmpty())
        << "a database that does not know of all may not know what it is for";
    EXPECT_THAT(process->agents.leftovers().missing().at(host.id), IsEmpty());
}

TEST_F(Reconcile, TheHostIsToldThatAGuestHasLeftItsList) {
    hello();
    launch();
    instance = row().instance;
    instance.desired = Desired::terminated;
    ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
        db::instances::update(session, instance);
        return {};
    }));
    const auto before = process->hub.version(host.id);
    report(Observed::removed);
    EXPECT_NE(process->hub.version(host.id), before);
}

TEST_F(Reconcile, APastGuestOfALivingInstanceEndsAndItsDiskStays) {
    hello();
    launch();
    report(Observed::running);
    const auto past = guest.id;
    instance = row().instance;
    instance.desired = Desired::stopped;
    ++instance.generation;
    ASSERT_TRUE(database->write([&](db::Session& session) -> Status {
        db::instances::update(session, instance);
        return {};
    }));
    report(Observed::gone);
    const auto over =
        *process->agents.leftovers(host.id, {{{past, instance.id, false}}, {row().instance.root_volume_id}});
    EXPECT_THAT(over.end_guests, ElementsAre(past));
    EXPECT_THAT(over.remove_volumes, ElementsAre());
}

TEST_F(Reconcile, WhatTheDatabaseDoesNotKnowStaysUntilTheOperatorGivesItUp) {
    hello();
    launch();
    const link::LeftGuest newer{GuestId::make(random), instance.id, true};  // the instance was started since
    const link::LeftGuest stranger{GuestId::make(random), InstanceId::make(random), true};
    const auto disk = VolumeId::make(random);
    auto& agents = process->agents;
    EXPECT_EQ(*agents.leftovers(host.id, {{newer, stranger}, {disk}}), link::LeftoversReply{});
    ASSERT_EQ(agents.leftovers().unknown().size(), 3U);
    EXPECT_FALSE(agents.leftovers().give_up(host.id, guest.id.str())) << "it is known";
    EXPECT_FALSE(agents.leftovers().give_up(HostId::make(random), disk.str())) << "not that host's";
    EXPECT_TRUE(agents.leftovers().give_up(host.id, stranger.guest_id.str()));
    const auto over = *agents.leftovers(host.id, {{newer, stranger}, {disk}});
    EXPECT_THAT(over.end_guests, ElementsAre(stranger.guest_id));
    EXPECT_THAT(over.remove_volumes, ElementsAre());
    EXPECT_EQ(*agents.leftovers(host.id, {}), link::LeftoversReply{});
    EXPECT_TRUE(agents.leftovers().unknown().empty());
}

TEST_F(Reconcile, AnAgentOfAHigherEpochTellsOfARestoredDatabase) {
    hello();
    EXPECT_TRUE(process->agents.leftovers().restored().empty());
    link::HelloRequest request;
    request.epoch = 7;
    ASSERT_TRUE(process->agents.hello(host.id, request));
    EXPECT_THAT(process->agents.leftovers().restored(), ElementsAre(host.id));
}

}  // namespace
}  // namespace lodge::scheduler
