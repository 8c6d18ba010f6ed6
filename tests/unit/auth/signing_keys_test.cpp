#include "api/auth/signing_keys.h"

#include <gtest/gtest.h>

#include <thread>

#include "raw_request.h"

namespace lodge::auth {
namespace {

constexpr UnixMs now_ms = 1795464780000;  // 20261123T201300Z
const RawRequest plain("GET /?Action=A HTTP/1.1\nHost: x\n\n");

Claim claim_of(std::string_view access_key) {
    Claim claim;
    claim.access_key = access_key;
    claim.date = "20261123";
    claim.region = "r";
    claim.service = "ec2";
    return claim;
}

TEST(SigningKeys, AnswersForTheSameScopeOnly) {
    SigningKeys keys;
    auto claim = claim_of("A");
    keys.store(claim, "secret", "key");
    EXPECT_EQ(keys.find(claim, "secret"), "key");
    for (auto part : {&Claim::access_key, &Claim::date, &Claim::region, &Claim::service}) {
        auto other = claim;
        other.*part += "x";
        EXPECT_EQ(keys.find(other, "secret"), std::nullopt);
    }
}

TEST(SigningKeys, ForgetsWithTheSecret) {
    SigningKeys keys;
    auto claim = claim_of("A");
    keys.store(claim, "old", "key");
    EXPECT_EQ(keys.find(claim, "new"), std::nullopt);
    keys.store(claim, "new", "new key");
    EXPECT_EQ(keys.find(claim, "new"), "new key");
    EXPECT_EQ(keys.find(claim, "old"), std::nullopt);
    EXPECT_EQ(keys.size(), 1U);
}

TEST(SigningKeys, DropsTheOneUnusedLongest) {
    SigningKeys keys(2);
    keys.store(claim_of("A"), "s", "a");
    keys.store(claim_of("B"), "s", "b");
    EXPECT_TRUE(keys.find(claim_of("A"), "s"));
    keys.store(claim_of("C"), "s", "c");
    EXPECT_TRUE(keys.find(claim_of("A"), "s"));
    EXPECT_FALSE(keys.find(claim_of("B"), "s"));
    EXPECT_TRUE(keys.find(claim_of("C"), "s"));
    EXPECT_EQ(keys.size(), 2U);
}

TEST(SigningKeys, MayHoldNothing) {
    SigningKeys keys(0);
    keys.store(claim_of("A"), "s", "a");
    EXPECT_EQ(keys.size(), 0U);
}

TEST(SigningKeys, ServeVerification) {
    SigningKeys keys;
    Signer signer = {"A", "secret", "", "r", "ec2"};
    auto request = signed_request(plain, signer, now_ms);
    auto claim = read_claim(request.view(), now_ms).value();
    EXPECT_FALSE(verify(claim, request.view(), "wrong", keys));
    EXPECT_EQ(keys.size(), 0U) << "only what proved good is kept";
    EXPECT_TRUE(verify(claim, request.view(), "secret", keys));
    EXPECT_EQ(keys.size(), 1U);
    EXPECT_TRUE(verify(claim, request.view(), "secret", keys));
    EXPECT_FALSE(verify(claim, request.view(), "wrong", keys));
    EXPECT_FALSE(verify(claim, request.with("A ", "B ").view(), "secret", keys));
}

TEST(SigningKeys, AreSharedByThreads) {
    SigningKeys keys(8);
    auto work = [&keys](int seed) {
        for (int i = 0; i < 2'000; ++i) {
            auto claim = claim_of(std::string(1, static_cast<char>('A' + (i * seed) % 16)));
            auto key = keys.find(claim, "s");
            if (key)
                EXPECT_EQ(*key, claim.access_key);
            else
                keys.store(claim, "s", claim.access_key);
        }
    };
    std::vector<std::thread> threads;
    for (int seed : {1, 3, 5, 7}) threads.emplace_back(work, seed);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(keys.size(), 8U);
}

}  // namespace
}  // namespace lodge::auth
