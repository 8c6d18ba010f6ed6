#include "agent/metadata/answer.h"

#include <gtest/gtest.h>

#include "tests/unit/metadata/guests.h"

namespace lodge::agent {
namespace {

constexpr UnixMs now_ms = 1'700'000'000'000;

struct MetadataAnswer : ::testing::Test {
    http::Response ask(const std::string& method, const std::string& path, http::Headers headers = {},
                       UnixMs at_ms = now_ms) const {
        http::Request request;
        request.method = method;
        request.target = path;
        request.headers = std::move(headers);
        return answer_metadata(guest, request, seal, at_ms);
    }
    std::string token(const std::string& ttl = "60") const {
        return ask("PUT", "/latest/api/token", {{"x-AWS-ec2-metadata-token-ttl-seconds", ttl}}).body;
    }
    int status(const std::string& method, const std::string& path, http::Headers headers = {}) const {
        return ask(method, path, std::move(headers)).status;
    }

    TokenSeal seal{std::string(32, 'k')};
    MetadataGuest guest{InstanceId::trusted("i-00000000000000001"), true, false, 3,
                        MetadataTree(example_guest(), nullptr)};  // launch data is yet to come
};

TEST_F(MetadataAnswer, Version1WorksUnlessTokensAreRequired) {
    EXPECT_EQ(ask("GET", "/latest/meta-data/instance-id").body, "i-00000000000000001");
    guest.http_tokens_required = true;
    EXPECT_EQ(status("GET", "/latest/meta-data/instance-id"), 401);
    EXPECT_EQ(status("GET", "/latest/meta-data/instance-id", {{"X-aws-ec2-metadata-token", token()}}), 200);
}

TEST_F(MetadataAnswer, TokensEndAndAreOfOneInstance) {
    http::Headers headers = {{"X-aws-ec2-metadata-token", token("60")}};
    EXPECT_EQ(ask("GET", "/latest/meta-data/", headers, now_ms + 59'000).status, 200);
    EXPECT_EQ(ask("GET", "/latest/meta-data/", headers, now_ms + 60'000).status, 401);
    guest.instance_id = InstanceId::trusted("i-00000000000000002");
    EXPECT_EQ(status("GET", "/latest/meta-data/", headers), 401) << "another guest's";
    EXPECT_EQ(status("GET", "/latest/meta-data/", {{"X-aws-ec2-metadata-token", "rubbish"}}), 401);
    EXPECT_EQ(status("GET", "/latest/meta-data/", {{"X-aws-ec2-metadata-token", ""}}), 401);
}

TEST_F(MetadataAnswer, TokensAreGivenByTheRules) {
    auto path = "/latest/api/token";
    auto ttl = "X-aws-ec2-metadata-token-ttl-seconds";
    auto given = ask("PUT", path, {{ttl, "21600"}});
    EXPECT_EQ(given.status, 200);
    EXPECT_EQ(given.headers.front(), (std::pair<std::string, std::string>(ttl, "21600")));
    EXPECT_EQ(given.hop_limit, 3);
    EXPECT_EQ(ask("GET", "/latest/meta-data/mac").hop_limit, 0) << "as on EC2, where it is of tokens alone";
    for (auto bad : {"0", "21601", "-1", "", "ten", "1 ", "99999999999999999999"})
        EXPECT_EQ(status("PUT", path, {{ttl, bad}}), 400) << bad;
    EXPECT_EQ(status("PUT", path), 400);
    EXPECT_EQ(status("PUT", path, {{ttl, "60"}, {"X-Forwarded-For", "1.2.3.4"}}), 403);
    EXPECT_EQ(status("GET", path), 405);
    EXPECT_EQ(status("PUT", "/latest/meta-data/", {{ttl, "60"}}), 405);
}

TEST_F(MetadataAnswer, ATokenThatIsGivenHasToBeGoodEvenIfNoneIsNeeded) {
    EXPECT_EQ(status("GET", "/latest/meta-data/mac"), 200);
    EXPECT_EQ(status("GET", "/latest/meta-data/mac", {{"X-aws-ec2-metadata-token", "rubbish"}}), 401);
    TokenSeal other{std::string(32, 'o')};
    auto foreign = other.make(guest.instance_id, 60, now_ms);
    EXPECT_EQ(status("GET", "/latest/meta-data/mac", {{"X-aws-ec2-metadata-token", foreign}}), 401)
        << "another host's";
}

TEST_F(MetadataAnswer, NoByteOfATokenCanBeChanged) {
    const auto good = token();
    ASSERT_TRUE(seal.is_good(good, guest.instance_id, now_ms));
    for (std::size_t at = 0; at + 3 < good.size(); ++at) {  // base64 has bits that mean nothing at its end
        auto bad = good;
        bad[at] = bad[at] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(seal.is_good(bad, guest.instance_id, now_ms)) << at;
    }
    for (std::size_t size = 0; size + 2 < good.size(); ++size)
        EXPECT_FALSE(seal.is_good(good.substr(0, size), guest.instance_id, now_ms)) << size;
    EXPECT_FALSE(seal.is_good(std::string(100'000, 'A'), guest.instance_id, now_ms));
}

TEST_F(MetadataAnswer, UserDataIsOfNoKind) {
    auto launch = example_launch();
    guest.tree = MetadataTree(example_guest(), &launch);
    auto reply = ask("GET", "/latest/user-data");
    EXPECT_EQ(reply.body, launch.user_data);
    EXPECT_EQ(reply.content_type, "application/octet-stream");
    EXPECT_EQ(ask("GET", "/latest/meta-data/mac").content_type, "text/plain");
}

TEST_F(MetadataAnswer, AForgedHostChangesNothing) {
    EXPECT_EQ(ask("GET", "/latest/meta-data/instance-id",
                  {{"Host", "metadata.google.internal"}, {"X-Forwarded-For", "10.0.0.9"}})
                  .body,
              "i-00000000000000001");
}

TEST_F(MetadataAnswer, OtherMethodsAndAClosedDoor) {
    for (auto method : {"POST", "DELETE", "OPTIONS", "CONNECT"}) EXPECT_EQ(status(method, "/latest/"), 405);
    EXPECT_EQ(status("HEAD", "/latest/meta-data/"), 200);
    EXPECT_EQ(status("GET", "/latest/nothing"), 404);
    EXPECT_EQ(status("GET", "/latest/user-data"), 503) << "not told yet";
    guest.http_endpoint = false;
    EXPECT_EQ(status("GET", "/latest/"), 403);
    EXPECT_EQ(status("PUT", "/latest/api/token", {{"X-aws-ec2-metadata-token-ttl-seconds", "60"}}), 403);
}

}  // namespace
}  // namespace lodge::agent
