#include "scheduler/lifecycle/lifecycle.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace lodge::scheduler {
namespace {

using enum InstanceState;

TEST(VisibleState, EveryPair) {
    const std::map<Desired, std::vector<InstanceState>> expected = {
        // placed, starting, running, stopped, gone, failed, removed
        {Desired::running,
         {pending, pending, InstanceState::running, stopping, stopping, stopping, stopping}},
        {Desired::stopped,
         {stopping, stopping, stopping, stopping, InstanceState::stopped, InstanceState::stopped,
          InstanceState::stopped}},
        {Desired::terminated,
         {shutting_down, shutting_down, shutting_down, shutting_down, shutting_down, shutting_down,
          InstanceState::terminated}},
    };
    for (auto desired : all_desired)
        for (std::size_t i = 0; i < all_observed.size(); ++i)
            EXPECT_EQ(visible_state(desired, all_observed[i]), expected.at(desired)[i])
                << to_text(desired) << " " << to_text(all_observed[i]);
}

TEST(Judge, EveryWishInEveryState) {
    using enum Verdict;
    struct Row {
        InstanceState state;
        Verdict start, stop, reboot, terminate;
    };
    const Row rows[] = {
        {pending, nothing, refuse, refuse, change},
        {InstanceState::running, nothing, change, change, change},
        {stopping, refuse, nothing, refuse, change},
        {InstanceState::stopped, change, nothing, refuse, change},
        {shutting_down, refuse, refuse, refuse, nothing},
        {InstanceState::terminated, refuse, refuse, refuse, nothing},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(judge(Wish::start, row.state), row.start) << to_text(row.state);
        EXPECT_EQ(judge(Wish::stop, row.state), row.stop) << to_text(row.state);
        EXPECT_EQ(judge(Wish::reboot, row.state), row.reboot) << to_text(row.state);
        EXPECT_EQ(judge(Wish::terminate, row.state), row.terminate) << to_text(row.state);
    }
}

struct Pair {
    Instance instance;
    Guest guest;
    InstanceState state() const { return visible_state(instance.desired, guest.observed); }
};

Pair launched() {
    SeededRandom random(1);
    Pair pair;
    pair.instance.id = InstanceId::make(random);
    pair.guest.id = GuestId::make(random);
    pair.guest.instance_id = pair.instance.id;
    pair.instance.guest_id = pair.guest.id;
    return pair;
}

bool see(Pair& pair, Observed observed, std::string_view code = "", std::string_view reason = "") {
    return observe(pair.instance, pair.guest, {pair.instance.generation, observed, 0, code, reason}, 1000);
}

TEST(Observe, ALaunchGoesToRunning) {
    auto pair = launched();
    EXPECT_TRUE(see(pair, Observed::starting));
    EXPECT_EQ(pair.state(), pending);
    EXPECT_TRUE(see(pair, Observed::running));
    EXPECT_EQ(pair.state(), InstanceState::running);
    EXPECT_FALSE(see(pair, Observed::running)) << "a repeated report changes nothing";
}

TEST(Observe, NothingGoesBackAndOldGenerationsCountNothing) {
    auto pair = launched();
    see(pair, Observed::running);
    EXPECT_FALSE(see(pair, Observed::starting));
    want_stop(pair.instance, false, 2000);
    EXPECT_FALSE(observe(pair.instance, pair.guest, {1, Observed::gone, 0, "", ""}, 2000));
    EXPECT_EQ(pair.state(), stopping);
    EXPECT_TRUE(see(pair, Observed::gone));
    EXPECT_EQ(pair.state(), InstanceState::stopped);
}

TEST(Observe, AnotherGuestsReportIsNotThisOnes) {
    auto pair = launched();
    SeededRandom random(2);
    Guest old = pair.guest;
    old.id = GuestId::make(random);
    EXPECT_FALSE(observe(pair.instance, old, {5, Observed::gone, 0, "", ""}, 1000));
}

TEST(Observe, AGuestThatPowersItselfOffFollowsTheShutdownBehaviour) {
    for (bool terminate : {false, true}) {
        auto pair = launched();
        pair.instance.terminate_on_shutdown = terminate;
        see(pair, Observed::running);
        auto generation = pair.instance.generation;
        EXPECT_TRUE(
            see(pair, Observed::stopped, "Client.InstanceInitiatedShutdown", "Instance initiated shutdown"));
        EXPECT_GT(pair.instance.generation, generation);
        EXPECT_EQ(pair.state(), terminate ? shutting_down : stopping);
        EXPECT_EQ(pair.instance.state_reason,
                  "Client.InstanceInitiatedShutdown: Instance initiated shutdown");
    }
}

TEST(Observe, ACrashStopsWhateverTheShutdownBehaviour) {
    auto pair = launched();
    pair.instance.terminate_on_shutdown = true;
    see(pair, Observed::running);
    see(pair, Observed::stopped, "Server.InternalError", "The guest crashed");
    EXPECT_EQ(pair.state(), stopping);
}

TEST(Observe, AFailedFirstStartTerminatesALaterOneStops) {
    auto pair = launched();
    see(pair, Observed::failed, "Server.InternalError", "no image");
    EXPECT_EQ(pair.state(), shutting_down);
    EXPECT_TRUE(see(pair, Observed::removed));
    EXPECT_EQ(pair.state(), InstanceState::terminated);
    EXPECT_EQ(pair.instance.ended_ms, 1000);

    auto again = launched();
    again.guest.keeps_root = true;
    see(again, Observed::failed, "Server.InternalError", "no disk");
    EXPECT_EQ(again.state(), InstanceState::stopped);
}

TEST(Observe, RebootsAreCountedOnce) {
    auto pair = launched();
    see(pair, Observed::running);
    want_reboot(pair.instance);
    Observation done{pair.instance.generation, Observed::running, 1, "", ""};
    EXPECT_TRUE(observe(pair.instance, pair.guest, done, 1000));
    EXPECT_FALSE(observe(pair.instance, pair.guest, done, 1000));
    EXPECT_EQ(pair.guest.reboots_done, 1);
    EXPECT_EQ(pair.state(), InstanceState::running);
}

TEST(Observe, InterruptsAreCountedOnce) {
    auto pair = launched();
    see(pair, Observed::running);
    want_interrupt(pair.instance);
    EXPECT_EQ(pair.instance.interrupts_wanted, 1);
    Observation done{pair.instance.generation, Observed::running, 0, "", "", 1};
    EXPECT_TRUE(observe(pair.instance, pair.guest, done, 1000));
    EXPECT_FALSE(observe(pair.instance, pair.guest, done, 1000));
    EXPECT_EQ(pair.guest.interrupts_done, 1);
    EXPECT_EQ(pair.state(), InstanceState::running);
    want_start(pair.instance, Guest(), 2000);
    EXPECT_EQ(pair.instance.interrupts_wanted, 0) << "a new guest has had none";
}

TEST(Expire, APendingInstanceIsGivenUp) {
    auto pair = launched();
    pair.instance.desired_ms = 0;
    Deadlines deadlines{1000, 1000, 1000};
    EXPECT_FALSE(expire(pair.instance, pair.guest, deadlines, 1000, 5000));
    auto sentence = expire(pair.instance, pair.guest, deadlines, 1001, 1001);
    ASSERT_TRUE(sentence);
    EXPECT_NE(sentence->find("pending"), std::string::npos);
    EXPECT_EQ(pair.state(), shutting_down);
}

TEST(Expire, APendingInstanceWaitsForAHostThatCouldTell) {
    auto pair = launched();
    pair.instance.desired_ms = 0;
    Deadlines deadlines{1000, 1000, 1000};
    EXPECT_TRUE(expire(pair.instance, pair.guest, deadlines, 5000, 0)) << "told";
    EXPECT_FALSE(expire(pair.instance, pair.guest, deadlines, 6000, 1000)) << "told once";
    EXPECT_EQ(pair.state(), pending);
    auto lost = pair;
    EXPECT_TRUE(expire(lost.instance, lost.guest, deadlines, 6001, 1001));
    EXPECT_EQ(lost.state(), shutting_down);
    EXPECT_TRUE(see(pair, Observed::running));
    EXPECT_FALSE(pair.instance.overdue);
    EXPECT_EQ(shown_transition_reason(pair.instance), "");
}

TEST(Expire, TheUsersReasonStays) {
    auto pair = launched();
    see(pair, Observed::running);
    want_stop(pair.instance, false, 0);
    Deadlines deadlines{1000, 1000, 1000};
    const std::string asked = "User initiated (1970-01-01 00:00:00 GMT)";
    EXPECT_EQ(shown_transition_reason(pair.instance), asked);
    EXPECT_TRUE(expire(pair.instance, pair.guest, deadlines, 5000, 0));
    EXPECT_EQ(shown_transition_reason(pair.instance),
              asked + "; Server.Overdue: the host has not confirmed it in time");
    EXPECT_TRUE(see(pair, Observed::gone));
    EXPECT_EQ(shown_transition_reason(pair.instance), asked);
}

TEST(Expire, StoppingIsToldOnceAndGoesOn) {
    auto pair = launched();
    see(pair, Observed::running);
    want_stop(pair.instance, false, 0);
    Deadlines deadlines{1000, 1000, 1000};
    EXPECT_TRUE(expire(pair.instance, pair.guest, deadlines, 5000, 5000));
    EXPECT_FALSE(expire(pair.instance, pair.guest, deadlines, 6000, 6000));
    EXPECT_EQ(pair.state(), stopping);
    EXPECT_TRUE(see(pair, Observed::gone));
    EXPECT_EQ(pair.state(), InstanceState::stopped);
}

// Visible states take only the steps that EC2's waiters can bear, whatever order reports and wishes come in.
TEST(Lifecycle, RandomHistoriesKeepToEc2sTransitions) {
    const std::set<std::pair<InstanceState, InstanceState>> allowed = {
        {pending, InstanceState::running},
        {pending, shutting_down},
        {pending, InstanceState::stopped},
        {pending, stopping},
        {pending, InstanceState::terminated},
        {InstanceState::running, stopping},
        {InstanceState::running, InstanceState::stopped},
        {InstanceState::running, shutting_down},
        {InstanceState::running, InstanceState::terminated},
        {stopping, InstanceState::stopped},
        {stopping, shutting_down},
        {stopping, InstanceState::terminated},
        {InstanceState::stopped, pending},
        {InstanceState::stopped, shutting_down},
        {InstanceState::stopped, InstanceState::terminated},
        {shutting_down, InstanceState::terminated}};
    SeededRandom random(7);
    for (int history = 0; history < 2000; ++history) {
        auto pair = launched();
        for (UnixMs now = 1; now < 40; ++now) {
            auto before = pair.state();
            switch (random.next_u64() % 6) {
                case 0:
                    if (judge(Wish::stop, before) == Verdict::change) want_stop(pair.instance, false, now);
                    break;
                case 1:
                    if (random.next_u64() % 4 == 0 && judge(Wish::terminate, before) == Verdict::change)
                        want_termination(pair.instance, false, now);
                    break;
                case 2:
                    if (judge(Wish::start, before) == Verdict::change) {
                        Guest fresh;
                        fresh.id = GuestId::make(random);
                        fresh.keeps_root = true;
                        want_start(pair.instance, fresh, now);
                        pair.guest = fresh;
                    }
                    break;
                default: {
                    // An honest agent removes the disk of a terminated instance alone.
                    auto seen = all_observed[random.next_u64() % all_observed.size()];
                    if (seen == Observed::removed && pair.instance.desired != Desired::terminated) break;
                    auto generation =
                        pair.instance.generation - static_cast<std::int64_t>(random.next_u64() % 2);
                    observe(pair.instance, pair.guest, {generation, seen, 0, "", ""}, now);
                }
            }
            if (pair.state() == before) continue;
            EXPECT_TRUE(allowed.contains({before, pair.state()}))
                << to_text(before) << " -> " << to_text(pair.state());
        }
    }
}

}  // namespace
}  // namespace lodge::scheduler
