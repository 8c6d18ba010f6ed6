#include "proto/ovsdb/results.h"

#include <gtest/gtest.h>

namespace lodge::ovsdb {
namespace {

using Json = nlohmann::json;

Result<Json> of(const std::string& reply, std::size_t operations = 1) {
    return results_of(Json::parse(reply), operations);
}

TEST(Results, ComeInTheOrderOfTheOperations) {
    auto results = of(R"({"result":[{"count":1},{}],"error":null})", 2);
    ASSERT_TRUE(results) << results.error().message;
    EXPECT_EQ(*results, Json::parse(R"([{"count":1},{}])"));
    EXPECT_TRUE(of(R"({"result":[],"error":null})", 0));
}

TEST(Results, TheFirstErrorIsTheWholeOnes) {
    auto refused = of(R"({"result":[{},{"error":"constraint violation","details":"no"},null]})", 3);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::internal_error);
    EXPECT_EQ(refused.error().message, "constraint violation: no");
    refused = of(R"({"result":[{"error":"timed out"}],"error":null})");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::conflict);
}

// Whoever asked takes them by their places.
TEST(Results, ThatAreMissingAreAnError) {
    for (const char* reply : {"{}", R"({"result":null})", R"({"result":{}})", R"({"result":[]})",
                              R"({"result":[null]})", R"({"result":[7]})", R"({"result":[{},null]})"}) {
        auto results = of(reply);
        ASSERT_FALSE(results) << reply;
        EXPECT_EQ(results.error().code, ErrorCode::internal_error);
    }
}

TEST(Results, ErrorsOfAnyKindAreTold) {
    for (const char* error : {"5", "null", "{}", R"(["x"])", "true"}) {
        auto results = of(std::string(R"({"result":[{"error":)") + error + R"(,"details":)" + error + "}]}");
        ASSERT_FALSE(results) << error;
        EXPECT_FALSE(results.error().message.empty());
    }
    EXPECT_FALSE(of(R"({"error":{"error":"unknown database"},"result":null})"));
}

}  // namespace
}  // namespace lodge::ovsdb
