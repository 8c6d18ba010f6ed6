#include "api/pipeline/worker_pool.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

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

}  // namespace
}  // namespace lodge::api
