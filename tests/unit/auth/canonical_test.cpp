#include "api/auth/canonical.h"

#include <gtest/gtest.h>

namespace lodge::auth {
namespace {

TEST(CanonicalUri, CleansAndEncodes) {
    const std::pair<std::string_view, std::string_view> table[] = {
        {"", "/"},
        {"/", "/"},
        {"//", "/"},
        {"/./", "/"},
        {"/..", "/"},
        {"/a/../..", "/"},
        {"/a/..", "/"},
        {"/a/", "/a/"},
        {"/a//b", "/a/b"},
        {"/./a/b", "/a/b"},
        {"/a/./b/../c", "/a/c"},
        {"/a b", "/a%20b"},
        {"/a%20b", "/a%2520b"},
        {"/~-._", "/~-._"},
        {"/*", "/%2A"},
    };
    for (auto [path, expected] : table) EXPECT_EQ(canonical_uri(path), expected) << path;
}

TEST(CanonicalQuery, SortsAndEncodesAnew) {
    const std::pair<std::string_view, std::string_view> table[] = {
        {"", ""},
        {"a", "a="},
        {"b=2&a=1", "a=1&b=2"},
        {"a=2&a=1", "a=1&a=2"},
        {"a-b=1&a=2", "a=2&a-b=1"},
        {"a=b=c", "a=b%3Dc"},
        {"a=%7e&b=%2a", "a=~&b=%2A"},
        {"a=+&b=%20&c=%2B", "a=%20&b=%20&c=%2B"},
        {"Z=1&a=1&%C3%A9=1", "%C3%A9=1&Z=1&a=1"},
        {"X-Amz-Signature=f&a=1", "a=1"},
        {"&&a=1&", "a=1"},
    };
    for (auto [query, expected] : table) EXPECT_EQ(canonical_query(query), expected) << query;
    for (auto query : {"%", "a=%", "a=%4", "a=%4g", "%zz=1"})
        EXPECT_EQ(canonical_query(query), std::nullopt) << query;
}

TEST(CanonicalQuery, HasALimit) {
    std::string query;
    for (std::size_t i = 0; i < max_query_pairs; ++i) query += "a&";
    EXPECT_TRUE(canonical_query(query));
    EXPECT_FALSE(canonical_query(query + "a"));
}

TEST(CanonicalHeaders, FoldsAndJoins) {
    const Header headers[] = {{"B", " x \t y  "}, {"a", "1"}, {"A", ""}, {"a", " 3"}, {"c", "no"}};
    EXPECT_EQ(canonical_headers(headers, {"a", "b"}).value(), "a:1,,3\nb:x y\n");
    EXPECT_EQ(canonical_headers(headers, {}).value(), "");
    EXPECT_EQ(canonical_headers(headers, {"d"}).error().fault, AuthFault::bad_signature);
}

TEST(AmzDate, IsWrittenWithoutPunctuation) {
    EXPECT_EQ(format_amz_date(1440938160999), "20150830T123600Z");
}

}  // namespace
}  // namespace lodge::auth
