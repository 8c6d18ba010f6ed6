#include "api/auth/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "raw_request.h"

namespace lodge::auth {
namespace {

TEST(AuthError, HasAnAnswerInEachProtocol) {
    struct Row {
        AuthFault fault;
        ErrorCode ec2;
        ErrorCode query;
    };
    constexpr Row table[] = {
        {AuthFault::missing, ErrorCode::missing_authentication_token,
         ErrorCode::missing_authentication_token},
        {AuthFault::malformed, ErrorCode::auth_failure, ErrorCode::signature_does_not_match},
        {AuthFault::bad_scope, ErrorCode::auth_failure, ErrorCode::signature_does_not_match},
        {AuthFault::in_future, ErrorCode::auth_failure, ErrorCode::signature_does_not_match},
        {AuthFault::expired, ErrorCode::request_expired, ErrorCode::signature_does_not_match},
        {AuthFault::unknown_key, ErrorCode::auth_failure, ErrorCode::invalid_client_token_id},
        {AuthFault::bad_signature, ErrorCode::auth_failure, ErrorCode::signature_does_not_match},
    };
    for (const auto& row : table) {
        EXPECT_EQ(to_ec2({row.fault, "why"}).code, row.ec2);
        EXPECT_EQ(to_query({row.fault, "why"}).code, row.query);
    }
}

TEST(AuthError, DoesNotTellEc2ClientsWhichKeysExist) {
    auto unknown = to_ec2({AuthFault::unknown_key, "no such key"});
    auto wrong = to_ec2({AuthFault::bad_signature, "no match"});
    EXPECT_EQ(unknown.message, "AWS was not able to validate the provided access credentials");
    EXPECT_EQ(unknown.message, wrong.message);
}

TEST(AuthError, SaysWhatToMend) {
    EXPECT_EQ(to_ec2({AuthFault::malformed, "SignedHeaders lacks 'host'."}).message,
              "AWS was not able to validate the provided access credentials: SignedHeaders lacks 'host'.");
    Signer signer = {"A", "secret", "", "r", "ec2"};
    auto request =
        signed_request(RawRequest("GET / HTTP/1.1\nHost: x\n\n"), signer, at_time("20261123T201300Z"));
    auto late = read_claim(request.view(), at_time("20261123T203000Z"));
    EXPECT_EQ(
        late.error().message,
        "Signature expired: 20261123T201300Z was good until 20261123T201800Z, and it is 20261123T203000Z");
    auto early = read_claim(request.view(), at_time("20261123T200000Z"));
    EXPECT_EQ(early.error().message,
              "Signature not yet current: 20261123T201300Z is still later than 20261123T200500Z");
    EXPECT_THAT(verify(read_claim(request.view(), at_time("20261123T201300Z")).value(),
                       request.with("Host", "Hast").view(), "secret")
                    .error()
                    .message,
                testing::HasSubstr("'host'"));
}

}  // namespace
}  // namespace lodge::auth
