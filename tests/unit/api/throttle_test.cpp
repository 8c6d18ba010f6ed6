#include "api/pipeline/throttle.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "proto/base/random.h"

namespace lodge::api {
namespace {

constexpr const char* account = "111111111111";
constexpr const char* other = "222222222222";
constexpr const char* region = "us-east-1";

BucketSizes sizes(std::initializer_list<std::string_view> given) {
    BucketSizes made;
    for (auto text : given) EXPECT_TRUE(made.put(text)) << text;
    return made;
}

class ThrottleTest : public ::testing::Test {
  protected:
    bool ask(std::string_view action, std::int64_t instances = 0, std::string_view who = account) {
        return throttle.admit({who, region, action, false, instances}).has_value();
    }
    // How many get through, one right after the other.
    int burst(std::string_view action, std::int64_t instances = 0, std::string_view who = account) {
        int count = 0;
        while (count < 5000 && ask(action, instances, who)) ++count;
        return count;
    }

    ManualClock clock{1'000'000};
    Throttle throttle{clock, BucketSizes()};
};

TEST_F(ThrottleTest, HasEc2sSizes) {
    EXPECT_EQ(burst("DescribeVpcs"), 100);
    EXPECT_EQ(burst("GetConsoleOutput"), 100);
    EXPECT_EQ(burst("CreateVpc"), 50);
    EXPECT_EQ(burst("CreateKeyPair"), 50);
    EXPECT_EQ(burst("RunInstances", 1), 5);
    EXPECT_EQ(burst("CreateTags"), 100);
    EXPECT_EQ(burst("CreateDefaultVpc"), 1);
    clock.advance_ms(1000);
    EXPECT_EQ(burst("DescribeVpcs"), 20);
    EXPECT_EQ(burst("CreateVpc"), 5);
    EXPECT_EQ(burst("RunInstances", 1), 2);
    EXPECT_EQ(burst("CreateTags"), 10);
    clock.advance_ms(3'600'000);
    EXPECT_EQ(burst("CreateVpc"), 50) << "a bucket holds no more";
}

TEST_F(ThrottleTest, ListingsWithoutFilterAndPageHaveASmallerBucketOfTheirOwn) {
    auto listings = [&](std::string_view action) {
        int count = 0;
        while (throttle.admit({account, region, action, true, 0})) ++count;
        return count;
    };
    EXPECT_EQ(listings("DescribeInstances"), 50);
    EXPECT_EQ(burst("DescribeInstances"), 100);
    EXPECT_EQ(listings("DescribeVpcs"), 100) << "not one of those that cost much";
    clock.advance_ms(1000);
    EXPECT_EQ(listings("DescribeInstances"), 10);
}

TEST_F(ThrottleTest, AccountsRegionsAndActionsDoNotMissWhatOthersUse) {
    EXPECT_EQ(burst("RunInstances", 1), 5);
    EXPECT_EQ(burst("RunInstances", 1, other), 5);
    EXPECT_TRUE(throttle.admit({account, "eu-west-1", "RunInstances", false, 1}));
    EXPECT_TRUE(ask("StartInstances", 1));
}

TEST_F(ThrottleTest, CountsInstancesBesideRequests) {
    EXPECT_TRUE(ask("RunInstances", 400));
    EXPECT_TRUE(ask("RunInstances", 600));
    EXPECT_FALSE(ask("RunInstances", 1)) << "1,000 at once";
    clock.advance_ms(1000);
    EXPECT_FALSE(ask("RunInstances", 3));
    EXPECT_TRUE(ask("RunInstances", 2)) << "and 2 a second from then on";
    EXPECT_TRUE(ask("TerminateInstances", 1000)) << "another action's bucket";
    auto refused = throttle.admit({account, region, "RunInstances", false, 1001});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::request_limit_exceeded);
    EXPECT_EQ(refused.error().message,
              "Request limit exceeded. One request may be for 1000 instances at most.");
}

TEST_F(ThrottleTest, WhatIsRefusedTakesNothing) {
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(ask("RunInstances", 2000));
    EXPECT_EQ(burst("RunInstances", 1), 5) << "no request was taken for what failed by its instances";
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(ask("RunInstances", 100));
    clock.advance_ms(1000);
    EXPECT_TRUE(ask("RunInstances", 990)) << "nor instances for what failed by its requests";
}

TEST_F(ThrottleTest, WhoWaitsForOneTokenGetsIt) {
    while (ask("RunInstances", 1)) {
    }
    for (int i = 0; i < 100; ++i) {
        clock.advance_ms(499);
        EXPECT_FALSE(ask("RunInstances", 1));
        clock.advance_ms(1);
        EXPECT_TRUE(ask("RunInstances", 1)) << i;
    }
}

// Over any time t no more than capacity + rate * t get through, and whenever that much is left, they do:
// against a bucket in whole thousandths of tokens.
TEST(Throttle, FollowsItsReferenceFromAnySeed) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        SCOPED_TRACE(seed);
        SeededRandom random(seed);
        ManualClock clock(0);
        auto capacity = static_cast<std::int64_t>(random.next_u64() % 40);
        auto per_second = static_cast<std::int64_t>(random.next_u64() % 30);
        auto text = "CreateVpc=" + std::to_string(capacity) + ":" + std::to_string(per_second);
        Throttle throttle(clock, sizes({text}));
        std::int64_t thousandths = capacity * 1000;
        for (int step = 0; step < 2000; ++step) {
            auto wait_ms = static_cast<std::int64_t>(random.next_u64() % 200);
            if (random.next_u64() % 4 == 0) {
                clock.advance_ms(wait_ms);
                thousandths = std::min(capacity * 1000, thousandths + wait_ms * per_second);
            }
            bool expected = thousandths >= 1000;
            if (expected) thousandths -= 1000;
            ASSERT_EQ(throttle.admit({account, region, "CreateVpc"}).has_value(), expected)
                << text << " at " << step;
        }
    }
}

TEST(Throttle, KeepsNoMoreBucketsThanItMay) {
    ManualClock clock(0);
    Throttle throttle(clock, BucketSizes(), 100);
    for (int i = 0; i < 10'000; ++i) {
        auto who = std::to_string(100'000'000'000 + i);
        EXPECT_TRUE(throttle.admit({who, region, "RunInstances", false, 10}));
        EXPECT_LE(throttle.size(), 100U);
    }
    EXPECT_EQ(throttle.size(), 100U);
    clock.advance_ms(3'600'000);
    EXPECT_TRUE(throttle.admit({account, region, "CreateVpc"}));
    EXPECT_EQ(throttle.size(), 1U) << "those that have refilled are forgotten";
}

TEST(Throttle, AFloodOfOneAccountForgetsNoBucketThatIsUsed) {
    ManualClock clock(0);
    Throttle throttle(clock, sizes({"CreateVpc=1:0"}), 100);
    ASSERT_TRUE(throttle.admit({account, region, "CreateVpc"}));
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(throttle.admit({std::to_string(i), region, "DeleteVpc"}));
        EXPECT_FALSE(throttle.admit({account, region, "CreateVpc"})) << i;
    }
}

TEST(Throttle, AdmitsExactlyItsTokensToManyThreads) {
    ManualClock clock(0);
    Throttle throttle(clock, sizes({"CreateVpc=1000:0", "DeleteVpc=1000:0"}));
    std::atomic<int> created = 0;
    std::atomic<int> deleted = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 500; ++n) {
                created += throttle.admit({account, region, "CreateVpc"}).has_value();
                deleted += throttle.admit({account, region, "DeleteVpc"}).has_value();
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(created, 1000);
    EXPECT_EQ(deleted, 1000);
}

TEST(BucketSizes, GivenOnesWinTheNearestFirst) {
    auto given =
        sizes({"mutating=7:1", "CreateVpc=3:0.5", "unfiltered=2:1", "DescribeInstances/unfiltered=4:1",
               "RunInstances/instances=9:1", "non-mutating=8:1", "resource-intensive=6:1"});
    EXPECT_EQ(given.of_requests("CreateSubnet", false).capacity, 7);
    EXPECT_EQ(given.of_requests("CreateVpc", false).capacity, 3);
    EXPECT_EQ(given.of_requests("CreateVpc", false).per_second, 0.5);
    EXPECT_EQ(given.of_requests("RunInstances", false).capacity, 5)
        << "EC2's own of an action wins over a sort's";
    EXPECT_EQ(given.of_requests("DescribeVolumes", true).capacity, 2);
    EXPECT_EQ(given.of_requests("DescribeInstances", true).capacity, 4);
    EXPECT_EQ(given.of_requests("DescribeInstances", false).capacity, 8);
    EXPECT_EQ(given.of_requests("CreateKeyPair", false).capacity, 6);
    EXPECT_EQ(given.of_instances("RunInstances")->capacity, 9);
    EXPECT_EQ(given.of_instances("StopInstances")->per_second, 20);
    EXPECT_FALSE(given.of_instances("RebootInstances"));
}

TEST(BucketSizes, RefuseWhatIsNone) {
    BucketSizes any;
    for (std::string_view bad : {"",
                                 "RunInstances",
                                 "RunInstances=",
                                 "RunInstances=5",
                                 "RunInstances=5:",
                                 "RunInstances=:2",
                                 "RunInstances=a:b",
                                 "RunInstances=5:2x",
                                 "RunInstances=-1:2",
                                 "RunInstances=5:-2",
                                 "RunInstances=nan:2",
                                 "RunInstances=5:inf",
                                 "RunInstances=1e10:2",
                                 "RunInstances= 5:2",
                                 "NoSuchAction=5:2",
                                 "=5:2",
                                 "runinstances=5:2",
                                 "RebootInstances/instances=5:2",
                                 "DescribeVpcs/unfiltered=5:2",
                                 "RunInstances/other=5:2"}) {
        auto put = any.put(bad);
        ASSERT_FALSE(put) << bad;
        EXPECT_EQ(put.error().code, ErrorCode::invalid_input);
    }
    EXPECT_TRUE(any.put("RunInstances=0:0"));
}

}  // namespace
}  // namespace lodge::api
