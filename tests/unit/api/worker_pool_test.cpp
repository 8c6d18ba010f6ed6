#include "api/pipeline/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace lodge::api {
namespace {

TEST(WorkerPool, OutlivesATaskThatThrows) {
    auto reply = std::make_shared<int>();
    bool ran = false;
    WorkerPool pool(1, 10);
    pool.post([reply] { throw std::runtime_error("as out of memory"); });
    pool.post([&] { ran = true; });
    pool.stop();
    EXPECT_TRUE(ran);
    EXPECT_EQ(reply.use_count(), 1);
}

TEST(WorkerPool, ALightLoadStaysWithOneThread) {
    WorkerPool pool(8, 10);
    std::set<std::thread::id> seen;
    for (int i = 0; i < 20; ++i) {
        std::promise<std::thread::id> ran;
        while (pool.idle() < 8) std::this_thread::yield();
        ASSERT_TRUE(pool.post([&] { ran.set_value(std::this_thread::get_id()); }));
        seen.insert(ran.get_future().get());
    }
    EXPECT_EQ(seen.size(), 1U);
}

TEST(WorkerPool, TasksThatBlockLeaveTheOthersToTheRest) {
    WorkerPool pool(3, 10);
    std::promise<void> open;
    auto gate = open.get_future().share();
    std::atomic<int> passed = 0;
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(pool.post([&, gate] { gate.wait(), ++passed; }));
    std::promise<void> ran;
    ASSERT_TRUE(pool.post([&] { ran.set_value(); }));
    ran.get_future().wait();
    EXPECT_EQ(passed, 0);
    open.set_value();
    pool.stop();
    EXPECT_EQ(passed, 2);
}

TEST(WorkerPool, RunsWhatManyPostAndRefusesWhatIsTooMuch) {
    WorkerPool pool(4, 100'000);
    std::atomic<int> ran = 0;
    {
        std::vector<std::jthread> posters;
        for (int i = 0; i < 4; ++i)
            posters.emplace_back([&] {
                for (int n = 0; n < 2'000; ++n) EXPECT_TRUE(pool.post([&] { ++ran; }));
            });
    }
    pool.stop();
    EXPECT_EQ(ran, 8'000);
    EXPECT_FALSE(pool.post([] {}));
}

}  // namespace
}  // namespace lodge::api
