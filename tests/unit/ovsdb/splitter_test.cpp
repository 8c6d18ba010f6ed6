#include "proto/ovsdb/splitter.h"

#include <gtest/gtest.h>

namespace lodge::ovsdb {
namespace {

using Texts = std::vector<std::string>;

TEST(Splitter, FindsMessagesWhereverTheStreamIsCut) {
    const std::string one = R"({"a":"}\"{","b":[1,{"c":2}]})";
    const std::string two = R"({"x":"\\"})";
    const std::string stream = one + "\n " + two;
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        Splitter splitter;
        auto first = splitter.feed(std::string_view(stream).substr(0, cut));
        auto rest = splitter.feed(std::string_view(stream).substr(cut));
        ASSERT_TRUE(first && rest) << cut;
        first->insert(first->end(), rest->begin(), rest->end());
        EXPECT_EQ(*first, (Texts{one, two})) << cut;
    }
}

TEST(Splitter, GivesUpOnWhatIsNoStreamOfObjects) {
    EXPECT_FALSE(Splitter().feed("HTTP/1.1 400"));
    EXPECT_FALSE(Splitter().feed("[]"));
    EXPECT_FALSE(Splitter(100, 8).feed("{" + std::string(20, '[')));
    EXPECT_FALSE(Splitter(100, 8).feed("{\"" + std::string(200, 'a')));
}

}  // namespace
}  // namespace lodge::ovsdb
