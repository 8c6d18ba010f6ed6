// Whatever the bytes, there is an answer, and soon.
#include <gtest/gtest.h>

#include "proto/base/random.h"
#include "raw_request.h"

namespace lodge::auth {
namespace {

constexpr std::size_t mega = 1 << 20;
constexpr UnixMs now_ms = 1795464780000;  // 20261123T201300Z
const Signer signer = {"AKIAIOSFODNN7EXAMPLE", "secret", "token", "eu-central-1", "ec2"};

std::string repeat(std::string_view piece, std::size_t size) {
    std::string out;
    while (out.size() < size) out += piece;
    return out;
}

const RawRequest plain("POST /?a=b HTTP/1.1\nHost: x\nContent-Type: y\n\nAction=A");

TEST(Hostile, LongAuthorizationIsRefused) {
    for (std::string_view piece : {"a", " ", ",", ";", "Credential=a,"}) {
        auto long_text = repeat(piece, 10 * mega);
        std::string begun = "AWS4-HMAC-SHA256 Credential=" + long_text;
        std::string listed =
            "AWS4-HMAC-SHA256 Credential=A/20261123/r/s/aws4_request, Signature=" + std::string(64, '0') +
            ", SignedHeaders=host;" + long_text;
        for (const std::string& value : {long_text, begun, listed}) {
            const Header headers[] = {
                {"Host", "x"}, {"Authorization", value}, {"X-Amz-Date", "20261123T201300Z"}};
            EXPECT_EQ(fault_of({"GET", "/", headers, ""}, "secret", now_ms), AuthFault::malformed);
        }
    }
}

TEST(Hostile, LongQueriesAndPathsAreAnswered) {
    for (std::string_view piece :
         {"a", "&", "=", "%", "%41", "a=b&", "/", "/../", "/a", "X-Amz-Signature=&"}) {
        auto text = repeat(piece, mega);
        for (const std::string& target : {text, "/" + text, "/?" + text, "/?X-Amz-Algorithm=" + text}) {
            auto request = signed_request(plain, signer, now_ms);
            SignedRequest view = request.view();
            view.target = target;
            EXPECT_NE(fault_of(view, "secret", now_ms), std::nullopt);
        }
    }
}

TEST(Hostile, ManyHeadersCostNoMoreThanTheirSize) {
    auto request = signed_request(plain, signer, now_ms);
    auto view = request.view();
    std::vector<Header> headers(view.headers.begin(), view.headers.end());
    for (std::size_t i = 0; i < mega; ++i) headers.push_back({"content-type", "z"});
    view.headers = headers;
    EXPECT_EQ(fault_of(view, "secret", now_ms), AuthFault::bad_signature);
}

TEST(Hostile, ALongSignedHeaderIsStillGood) {
    std::string value = repeat(" a \t", 10 * mega);
    const Header headers[] = {{"Host", "x"}, {"X-Amz-Long", value}};
    auto added = sign({"GET", "/", headers, ""}, signer, now_ms).value();
    std::vector<Header> all(std::begin(headers), std::end(headers));
    for (const auto& header : added) all.push_back({header.name, header.value});
    EXPECT_EQ(fault_of({"GET", "/", all, ""}, "secret", now_ms), std::nullopt);
}

// Random bytes put into random places of good requests. A change may be harmless (a blank, a letter's case),
// but only there where the canonical form says so, and then the body is untouched.
TEST(Hostile, MutationsAreAnswered) {
    SeededRandom random(20261123);
    const RawRequest goods[] = {signed_request(plain, signer, now_ms),
                                presigned_request(plain, signer, now_ms, 60)};
    constexpr std::string_view spice(
        "\0 \t\n,;=/%&?+:\"\xff\x80"
        "Aa0",
        19);
    for (int i = 0; i < 20'000; ++i) {
        std::string text = goods[i % 2].text();
        for (auto changes = random.next_u64() % 3 + 1; changes > 0; --changes) {
            char c = spice[random.next_u64() % spice.size()];
            auto at = random.next_u64() % text.size();
            if (random.next_u64() % 2 == 0)
                text[at] = c;
            else
                text.insert(at, 1, c);
        }
        RawRequest request(text);
        if (fault_of(request.view(), "secret", now_ms)) continue;
        EXPECT_EQ(request.view().body, plain.view().body) << text;
        EXPECT_EQ(request.view().method, "POST");
    }
}

}  // namespace
}  // namespace lodge::auth
