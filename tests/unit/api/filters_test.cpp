#include "api/describe/filters.h"

#include <gtest/gtest.h>

namespace lodge::describe {
namespace {

TEST(Matches, Wildcards) {
    struct Case {
        std::string_view pattern, text;
        bool expected;
    };
    const Case cases[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "a", true},
        {"a", "A", false},
        {"*", "", true},
        {"*", "anything", true},
        {"?", "", false},
        {"?", "a", true},
        {"?", "\xc3\xa4", true},
        {"a*c", "abbbc", true},
        {"a*c", "abbbcd", false},
        {"*b*", "abc", true},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"a\\*c", "a*c", true},
        {"a\\*c", "abc", false},
        {"a\\?c", "a?c", true},
        {"a\\\\c", "a\\c", true},
        {"t3.*", "t3.micro", true},
        {"**a", "bca", true},
    };
    for (const auto& each : cases)
        EXPECT_EQ(Pattern(each.pattern).matches(each.text), each.expected)
            << each.pattern << " " << each.text;
}

TEST(Matches, StaysFastOnHostilePatterns) {
    std::string pattern;
    for (int i = 0; i < 100; ++i) pattern += "a*";
    EXPECT_FALSE(Pattern(pattern + "b").matches(std::string(5'000, 'a')));
}

struct Record {
    std::string name;
    std::vector<Tag> tags;
};

const std::vector<Tag>& tags_of(const Record& record) {
    return record.tags;
}

const FilterTable<Record> table = {{"name", [](const Record& r, Values& out) { out.push_back(r.name); }}};

Result<bool> accepts(const std::vector<ec2::Filter>& filters, const Record& record) {
    LODGE_TRY(auto made, Filters<Record>::make(filters, table, tags_of));
    return made.accept(record);
}

TEST(Filters, AndAcrossOrInside) {
    Record record{"web", {{"i-1", "instance", "Env", "prod"}}};
    EXPECT_TRUE(*accepts({}, record));
    EXPECT_TRUE(*accepts({{"name", {"db", "web"}}}, record));
    EXPECT_TRUE(*accepts({{"name", {"w*"}}, {"tag:Env", {"prod"}}}, record));
    EXPECT_FALSE(*accepts({{"name", {"w*"}}, {"tag:Env", {"test"}}}, record));
    EXPECT_TRUE(*accepts({{"tag-key", {"Env"}}}, record));
    EXPECT_FALSE(*accepts({{"tag-key", {"env"}}}, record));
    EXPECT_TRUE(*accepts({{"tag-value", {"pro?"}}}, record));
}

TEST(Filters, RefuseWhatTheyDoNotKnow) {
    Record record;
    EXPECT_EQ(accepts({{"bogus", {"x"}}}, record).error().code, ErrorCode::invalid_parameter_value);
    EXPECT_EQ(accepts({{"tag:", {"x"}}}, record).error().code, ErrorCode::invalid_parameter_value);
    EXPECT_EQ(accepts({{"name", {}}}, record).error().code, ErrorCode::invalid_parameter_value);
    EXPECT_EQ(accepts({{"name", std::vector<std::string>(201, "x")}}, record).error().code,
              ErrorCode::filter_limit_exceeded);
    EXPECT_TRUE(accepts({{"name", {std::string(1'024, '*')}}}, record));
    EXPECT_EQ(accepts({{"name", {std::string(1'025, '*')}}}, record).error().code,
              ErrorCode::invalid_parameter_value);
}

}  // namespace
}  // namespace lodge::describe
