#include "api/describe/record_cache.h"

#include <gtest/gtest.h>

namespace lodge::describe {
namespace {

std::shared_ptr<const int> record(int value) {
    return std::make_shared<const int>(value);
}

TEST(RecordCache, KnowsARecordOfTheVersionItWasReadAt) {
    RecordCache cache;
    EXPECT_EQ(cache.find(3, "a"), nullptr);
    auto kept = record(1);
    cache.put(3, "a", kept);
    EXPECT_EQ(cache.find(3, "a"), kept);
    EXPECT_EQ(cache.find(3, "b"), nullptr);
    EXPECT_EQ(cache.find(2, "a"), nullptr);
    EXPECT_EQ(cache.find(4, "a"), nullptr);
}

TEST(RecordCache, ForgetsAllOfAnOlderVersionAndTakesNoneOfOne) {
    RecordCache cache;
    cache.put(3, "a", record(1));
    cache.put(4, "b", record(2));
    EXPECT_EQ(cache.find(4, "a"), nullptr);
    EXPECT_NE(cache.find(4, "b"), nullptr);
    cache.put(3, "a", record(1));
    EXPECT_EQ(cache.find(3, "a"), nullptr);
    EXPECT_EQ(cache.find(4, "a"), nullptr);
}

TEST(RecordCache, IsBounded) {
    RecordCache cache;
    auto first = record(0);
    cache.put(1, "first", first);
    for (int i = 0; i < 5'000; ++i) cache.put(1, std::to_string(i), record(i));
    EXPECT_EQ(first.use_count(), 1);
    EXPECT_NE(cache.find(1, "4999"), nullptr);
}

}  // namespace
}  // namespace lodge::describe
