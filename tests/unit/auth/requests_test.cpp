// What passes and what does not: one good request of each form, and tables of changes to it.
#include <gtest/gtest.h>

#include "api/auth/canonical.h"
#include "api/auth/signing_keys.h"
#include "raw_request.h"

namespace lodge::auth {
namespace {

using Fault = std::optional<AuthFault>;

constexpr std::string_view secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const Signer signer = {"AKIAIOSFODNN7EXAMPLE", std::string(secret), "", "eu-central-1", "ec2"};
constexpr UnixMs now_ms = 1795464780000;  // 20261123T201300Z
constexpr std::int64_t minute_ms = 60'000;

const RawRequest plain_post(
    "POST / HTTP/1.1\n"
    "Host: ec2.example.com:8080\n"
    "Content-Type: application/x-www-form-urlencoded\n"
    "\n"
    "Action=DescribeInstances&Version=2016-11-15&Filter.1.Value.1=a%2Ab+c~");
const RawRequest plain_get(
    "GET /?Action=DescribeInstances&Version=2016-11-15 HTTP/1.1\n"
    "Host: ec2.example.com:8080\n\n");

struct Change {
    std::string_view name;
    std::string_view from;
    std::string_view to;
    Fault expected;
};

void PrintTo(const Change& change, std::ostream* out) {
    *out << change.name;
}

std::string name_of(const testing::TestParamInfo<Change>& info) {
    return std::string(info.param.name);
}

// ---- The header form ----

class Headers : public testing::TestWithParam<Change> {};

TEST_P(Headers, AreJudged) {
    auto request = signed_request(plain_post, signer, now_ms);
    ASSERT_NE(request.text().find(GetParam().from), std::string::npos) << request.text();
    auto changed = request.with(GetParam().from, GetParam().to);
    EXPECT_EQ(fault_of(changed.view(), secret, now_ms), GetParam().expected) << changed.text();
}

constexpr Change harmless[] = {
    {"nothing", "", "", {}},
    {"upper_case_names", "Host:", "HOST:", {}},
    {"lower_case_names", "X-Amz-Date:", "x-amz-date:", {}},
    {"upper_case_authorization", "Authorization:", "AUTHORIZATION:", {}},
    {"blanks_around_a_value", "Host: ec2.example.com:8080", "Host: \t ec2.example.com:8080  ", {}},
    {"another_header", "Host:", "Accept: */*\nHost:", {}},
    {"no_blank_after_comma", ", SignedHeaders", ",SignedHeaders", {}},
    {"many_blanks_after_comma", ", SignedHeaders", ",\t  SignedHeaders", {}},
    {"many_blanks_after_algorithm", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256   ", {}},
    {"unsorted_signed_headers", "content-type;host;x-amz-date", "x-amz-date;host;content-type", {}},
    {"upper_case_signed_headers", "content-type;host;x-amz-date", "Content-Type;HOST;X-Amz-Date", {}},
    {"date_header_besides", "Host:", "Date: some day\nHost:", {}},
};
INSTANTIATE_TEST_SUITE_P(Harmless, Headers, testing::ValuesIn(harmless), name_of);

constexpr Change tampered[] = {
    {"body", "Action=Describe", "Action=Terminate", AuthFault::bad_signature},
    {"method", "POST", "PUT", AuthFault::bad_signature},
    {"path", "POST / ", "POST /latest ", AuthFault::bad_signature},
    {"query", "POST / ", "POST /?DryRun=true ", AuthFault::bad_signature},
    {"host", "ec2.example.com", "ec3.example.com", AuthFault::bad_signature},
    {"host_port", ":8080", ":8081", AuthFault::bad_signature},
    {"host_twice", "Host:", "Host: evil\nHost:", AuthFault::bad_signature},
    {"content_type", "x-www-form-urlencoded", "json", AuthFault::bad_signature},
    {"signed_header_gone", "Content-Type:", "X-Content-Type:", AuthFault::bad_signature},
    {"date", "X-Amz-Date: 20261123T201300Z", "X-Amz-Date: 20261123T201301Z", AuthFault::bad_signature},
    {"region", "/eu-central-1/", "/us-east-1/", AuthFault::bad_signature},
    {"service", "/ec2/", "/sts/", AuthFault::bad_signature},
    {"fewer_signed_headers", "content-type;host;", "host;", AuthFault::bad_signature},
    {"more_signed_headers", "SignedHeaders=", "SignedHeaders=accept;", AuthFault::bad_signature},
    {"signature", "Signature=", "Signature=0000000000000000000000000000000000000000000000000000000000000000",
     AuthFault::malformed},
};
INSTANTIATE_TEST_SUITE_P(Tampered, Headers, testing::ValuesIn(tampered), name_of);

constexpr Change misshapen[] = {
    {"no_authorization", "Authorization:", "X-Authorization:", AuthFault::missing},
    {"empty_authorization", "Authorization: ", "Authorization:\nX: ", AuthFault::malformed},
    {"algorithm_only", "SHA256 ", "SHA256\nX: ", AuthFault::malformed},
    {"version_2", "AWS4-HMAC-SHA256 ", "AWS ", AuthFault::malformed},
    {"version_4a", "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", AuthFault::malformed},
    {"lower_case_algorithm", "AWS4-HMAC-SHA256", "aws4-hmac-sha256", AuthFault::malformed},
    {"bearer", "AWS4-HMAC-SHA256 ", "Bearer ", AuthFault::malformed},
    {"two_authorizations",
     "Authorization:", "authorization: AWS4-HMAC-SHA256 x\nAuthorization:", AuthFault::malformed},
    {"presigned_as_well", "POST / ", "POST /?X-Amz-Signature=00 ", AuthFault::malformed},
    {"presigned_as_well_encoded", "POST / ", "POST /?%58-Amz-Algorithm=a ", AuthFault::malformed},
    {"bad_escape_in_query", "POST / ", "POST /?a=%zz ", AuthFault::malformed},
    {"no_credential", "Credential=", "X=", AuthFault::malformed},
    {"no_signed_headers", ", SignedHeaders=content-type;host;x-amz-date", "", AuthFault::malformed},
    {"no_signature", ", Signature=", ", X=", AuthFault::malformed},
    {"signature_without_value", ", Signature=", ", Signature;", AuthFault::malformed},
    {"trailing_comma", ", Signature=", ", , Signature=", AuthFault::malformed},
    {"two_credentials", "Credential=", "Credential=a, Credential=", AuthFault::malformed},
    {"unknown_part", "Credential=", "Realm=x, Credential=", AuthFault::malformed},
    {"upper_case_signature", "Signature=", "Signature=A", AuthFault::malformed},
    {"no_date", "X-Amz-Date:", "X-Date:", AuthFault::malformed},
    {"two_dates", "X-Amz-Date:", "x-amz-date: 20261123T201300Z\nX-Amz-Date:", AuthFault::malformed},
    {"garbled_date", "X-Amz-Date: 2026", "X-Amz-Date: 2O26", AuthFault::malformed},
    {"impossible_date", "X-Amz-Date: 20261123", "X-Amz-Date: 20261131", AuthFault::malformed},
    {"two_tokens", "Host:", "x-amz-security-token: a\nx-amz-security-token: b\nHost:", AuthFault::malformed},
    {"scope_of_another_day", "/20261123/", "/20261122/", AuthFault::bad_scope},
    {"scope_without_day", "/20261123/", "//", AuthFault::bad_scope},
    {"scope_ends_wrongly", "/aws4_request", "/aws5_request", AuthFault::bad_scope},
    {"scope_too_short", "/ec2/", "/", AuthFault::malformed},
    {"scope_too_long", "/ec2/", "/ec2/x/", AuthFault::malformed},
    {"no_access_key", "=AKIAIOSFODNN7EXAMPLE/", "=/", AuthFault::malformed},
    {"odd_access_key", "=AKIAIOSFODNN7EXAMPLE/", "=AKIA<script>/", AuthFault::malformed},
    {"odd_region", "/eu-central-1/", "/eu central/", AuthFault::malformed},
    {"no_service", "/ec2/", "//", AuthFault::malformed},
    {"host_not_signed", "content-type;host;", "content-type;", AuthFault::malformed},
    {"header_signed_twice", "content-type;host;", "content-type;Host;host;", AuthFault::malformed},
    {"empty_name_signed", "content-type;host;", "content-type;;host;", AuthFault::malformed},
    {"no_name_signed", "content-type;host;x-amz-date", "", AuthFault::malformed},
    {"odd_name_signed", "content-type;host;", "content type;host;", AuthFault::malformed},
};
INSTANTIATE_TEST_SUITE_P(Misshapen, Headers, testing::ValuesIn(misshapen), name_of);

TEST(HeaderForm, SaysWhatItClaims) {
    auto with_token = signer;
    with_token.session_token = "token/+=";
    auto request = signed_request(plain_post, with_token, now_ms);
    auto claim = read_claim(request.view(), now_ms);
    ASSERT_TRUE(claim) << claim.error().message;
    EXPECT_EQ(claim->access_key, "AKIAIOSFODNN7EXAMPLE");
    EXPECT_EQ(claim->date, "20261123");
    EXPECT_EQ(claim->region, "eu-central-1");
    EXPECT_EQ(claim->service, "ec2");
    EXPECT_EQ(claim->amz_date, "20261123T201300Z");
    EXPECT_EQ(claim->signed_at_ms, now_ms);
    EXPECT_FALSE(claim->presigned);
    EXPECT_EQ(claim->expires_s, 0);
    EXPECT_EQ(join_names(claim->signed_headers), "content-type;host;x-amz-date;x-amz-security-token");
    EXPECT_EQ(claim->session_token, "token/+=");
    EXPECT_TRUE(verify(*claim, request.view(), secret));
}

TEST(HeaderForm, IsGoodWithinTheWindowOnly) {
    auto request = signed_request(plain_post, signer, now_ms);
    auto fault_at = [&](std::int64_t offset_ms, std::int64_t skew_ms) {
        return fault_of(request.view(), secret, now_ms + offset_ms, skew_ms);
    };
    for (std::int64_t minutes : {0, 1, 5, 15}) {
        auto skew_ms = minutes * minute_ms;
        EXPECT_EQ(fault_at(skew_ms, skew_ms), Fault());
        EXPECT_EQ(fault_at(-skew_ms, skew_ms), Fault());
        EXPECT_EQ(fault_at(skew_ms + 1, skew_ms), AuthFault::expired);
        EXPECT_EQ(fault_at(-skew_ms - 1, skew_ms), AuthFault::in_future);
    }
    EXPECT_EQ(fault_at(15 * minute_ms + 1, 60 * minute_ms), AuthFault::expired)
        << "no window over 15 minutes";
    EXPECT_EQ(fault_at(1, -minute_ms), AuthFault::expired) << "a negative window is none";
    EXPECT_EQ(fault_of(request.view(), secret, now_ms + default_max_skew_ms), Fault());
    EXPECT_EQ(fault_of(request.view(), secret, now_ms + default_max_skew_ms + 1), AuthFault::expired);
}

// A request signed by hand with `names`, as of now.
RawRequest signed_by_hand(const RawRequest& request, const std::vector<std::string>& names,
                          std::string_view body_hash) {
    auto text = string_to_sign(request.view(), names, body_hash, "20261123T201300Z",
                               "20261123/eu-central-1/ec2/aws4_request");
    auto key = derive_signing_key(secret, "20261123", "eu-central-1", "ec2");
    return request.with_header(
        fmt::format("Authorization: AWS4-HMAC-SHA256 "
                    "Credential=AKIAIOSFODNN7EXAMPLE/20261123/eu-central-1/ec2/aws4_request, "
                    "SignedHeaders={}, Signature={}",
                    join_names(names), hex_encode(hmac_sha256(key, text.value()))));
}

TEST(HeaderForm, TakesTheDateHeaderForLackOfAnother) {
    auto hash = hex_encode(sha256(plain_post.view().body));
    for (std::string_view date : {"Mon, 23 Nov 2026 20:13:00 GMT", "20261123T201300Z"}) {
        auto request =
            signed_by_hand(plain_post.with_header(fmt::format("Date: {}", date)), {"date", "host"}, hash);
        EXPECT_EQ(fault_of(request.view(), secret, now_ms), Fault());
    }
    for (std::string_view date :
         {"Mon, 23 Nov 2026 20:13:00 CET", "Mon, 23 noV 2026 20:13:00 GMT", "2026-11-23", ""}) {
        auto request =
            signed_by_hand(plain_post.with_header(fmt::format("Date: {}", date)), {"date", "host"}, hash);
        EXPECT_EQ(fault_of(request.view(), secret, now_ms), AuthFault::malformed) << date;
    }
}

TEST(HeaderForm, HoldsTheContentHashToTheBody) {
    auto dated = plain_post.with_header("X-Amz-Date: 20261123T201300Z");
    const std::vector<std::string> names = {"host", "x-amz-content-sha256", "x-amz-date"};
    auto true_hash = hex_encode(sha256(dated.view().body));
    auto other_hash = hex_encode(sha256("Action=Other"));
    auto fault_with = [&](std::string_view told, std::string_view hashed,
                          const std::vector<std::string>& signed_names) {
        auto request = dated.with_header(fmt::format("x-amz-CONTENT-sha256: {}", told));
        return fault_of(signed_by_hand(request, signed_names, hashed).view(), secret, now_ms);
    };
    EXPECT_EQ(fault_with(true_hash, true_hash, names), Fault());
    EXPECT_EQ(fault_with(other_hash, other_hash, names), AuthFault::bad_signature);
    EXPECT_EQ(fault_with(other_hash, true_hash, names), AuthFault::bad_signature);
    EXPECT_EQ(fault_with("UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD", names), AuthFault::bad_signature);
    EXPECT_EQ(fault_with(other_hash, true_hash, {"host", "x-amz-date"}), Fault())
        << "not signed: of no account";
}

TEST(HeaderForm, JoinsHeadersOfOneName) {
    auto request = plain_post.with_header("X-Amz-Meta: b\nX-AMZ-meta:   a   c\nX-Amz-Other: x");
    auto good = signed_request(request, signer, now_ms);
    EXPECT_EQ(fault_of(good.view(), secret, now_ms), Fault());
    EXPECT_EQ(fault_of(good.with("a   c", "a c").view(), secret, now_ms), Fault());
    EXPECT_EQ(fault_of(good.with("X-Amz-Meta: b\n", "X-Amz-Meta: b,\n").view(), secret, now_ms),
              AuthFault::bad_signature);
}

// ---- The query form ----

class Presigned : public testing::TestWithParam<Change> {};

TEST_P(Presigned, IsJudged) {
    auto request = presigned_request(plain_get, signer, now_ms, 900);
    ASSERT_NE(request.text().find(GetParam().from), std::string::npos) << request.text();
    auto changed = request.with(GetParam().from, GetParam().to);
    EXPECT_EQ(fault_of(changed.view(), secret, now_ms), GetParam().expected) << changed.text();
}

constexpr Change presigned[] = {
    {"nothing", "", "", {}},
    {"order",
     "Action=DescribeInstances&Version=2016-11-15&",
     "Version=2016-11-15&Action=DescribeInstances&",
     {}},
    {"lower_case_escapes", "%2F", "%2f", {}},
    {"needless_escape", "Action=", "%41ction=", {}},
    {"empty_pieces", "Version=", "&&Version=", {}},
    {"date_header_besides", "Host:", "X-Amz-Date: 20200101T000000Z\nHost:", {}},
    {"changed", "Describe", "Terminate", AuthFault::bad_signature},
    {"more", "Action=", "DryRun=true&Action=", AuthFault::bad_signature},
    {"twice", "Action=", "Action=x&Action=", AuthFault::bad_signature},
    {"method", "GET", "POST", AuthFault::bad_signature},
    {"body", "\n\n", "\n\nAction=TerminateInstances", AuthFault::bad_signature},
    {"host", "ec2.example", "ec3.example", AuthFault::bad_signature},
    {"longer", "Expires=900", "Expires=9000", AuthFault::bad_signature},
    {"token_put_in", "Action=", "X-Amz-Security-Token=t&Action=", AuthFault::bad_signature},
    {"no_algorithm", "X-Amz-Algorithm", "Y", AuthFault::malformed},
    {"other_algorithm", "Algorithm=AWS4-HMAC-SHA256", "Algorithm=AWS4-HMAC-SHA1", AuthFault::malformed},
    {"no_credential", "X-Amz-Credential", "Y", AuthFault::malformed},
    {"no_signature", "X-Amz-Signature", "Y", AuthFault::malformed},
    {"no_signed_headers", "X-Amz-SignedHeaders", "Y", AuthFault::malformed},
    {"no_date", "X-Amz-Date", "Y", AuthFault::malformed},
    {"no_expires", "X-Amz-Expires", "Y", AuthFault::malformed},
    {"two_signatures", "Action=", "X-Amz-Signature=0&Action=", AuthFault::malformed},
    {"two_expires", "Action=", "X-Amz-Expires=900&Action=", AuthFault::malformed},
    {"authorization_besides", "Host:", "Authorization: Basic x\nHost:", AuthFault::malformed},
    {"host_not_signed", "SignedHeaders=host", "SignedHeaders=accept", AuthFault::malformed},
    {"expires_0", "Expires=900", "Expires=0", AuthFault::malformed},
    {"expires_negative", "Expires=900", "Expires=-1", AuthFault::malformed},
    {"expires_plus", "Expires=900", "Expires=%2B900", AuthFault::malformed},
    {"expires_fraction", "Expires=900", "Expires=900.5", AuthFault::malformed},
    {"expires_empty", "Expires=900", "Expires=", AuthFault::malformed},
    {"expires_too_long", "Expires=900", "Expires=604801", AuthFault::malformed},
    {"expires_overflowing", "Expires=900", "Expires=99999999999999999999", AuthFault::malformed},
    {"other_day", "%2F20261123%2F", "%2F20261124%2F", AuthFault::bad_scope},
};
INSTANTIATE_TEST_SUITE_P(Changes, Presigned, testing::ValuesIn(presigned), name_of);

TEST(QueryForm, SaysWhatItClaims) {
    auto with_token = signer;
    with_token.session_token = "token/+=";
    auto request = presigned_request(plain_get, with_token, now_ms, limit_expires_s);
    auto claim = read_claim(request.view(), now_ms);
    ASSERT_TRUE(claim) << claim.error().message;
    EXPECT_TRUE(claim->presigned);
    EXPECT_EQ(claim->expires_s, 604800);
    EXPECT_EQ(claim->session_token, "token/+=");
    EXPECT_EQ(join_names(claim->signed_headers), "host");
    EXPECT_TRUE(verify(*claim, request.view(), secret));
}

TEST(QueryForm, IsGoodUntilItExpires) {
    auto request = presigned_request(plain_get, signer, now_ms, 60);
    auto fault_at = [&](std::int64_t offset_ms) {
        return fault_of(request.view(), secret, now_ms + offset_ms);
    };
    EXPECT_EQ(fault_at(minute_ms), Fault());
    EXPECT_EQ(fault_at(minute_ms + 1), AuthFault::expired);
    EXPECT_EQ(fault_at(-5 * minute_ms), Fault());
    EXPECT_EQ(fault_at(-5 * minute_ms - 1), AuthFault::in_future);
    auto week = presigned_request(plain_get, signer, now_ms, limit_expires_s);
    EXPECT_EQ(fault_of(week.view(), secret, now_ms + limit_expires_s * 1000), Fault());
    EXPECT_EQ(fault_of(week.view(), secret, now_ms + limit_expires_s * 1000 + 1), AuthFault::expired);
}

TEST(NoForm, IsSaidToBeMissing) {
    EXPECT_EQ(fault_of(plain_post.view(), secret, now_ms), AuthFault::missing);
    EXPECT_EQ(fault_of({}, secret, now_ms), AuthFault::missing);
    RawRequest version_2(
        "GET /?AWSAccessKeyId=AKID&SignatureVersion=2&Signature=abc%3D HTTP/1.1\nHost: x\n\n");
    EXPECT_EQ(fault_of(version_2.view(), secret, now_ms), AuthFault::missing);
}

// ---- Our own signatures ----

TEST(RoundTrip, TakesAnyBody) {
    const std::string bodies[] = {"",
                                  "Action=A&B=Gr\xc3\xbc\xc3\x9f"
                                  "e+~*%2B",
                                  std::string("\0\n\xff", 3), std::string(1 << 20, 'x')};
    for (const auto& body : bodies) {
        auto request = signed_request(RawRequest(plain_post.text() + body), signer, now_ms);
        EXPECT_EQ(fault_of(request.view(), secret, now_ms), Fault());
        EXPECT_EQ(fault_of(RawRequest(request.text() + "x").view(), secret, now_ms),
                  AuthFault::bad_signature);
    }
}

TEST(RoundTrip, TakesAnyTarget) {
    for (std::string_view target : {"", "/", "//a/./b/../c//", "/a%2Fb/%E1%88%B4", "/?", "/?a",
                                    "/?=", "/?b=2&a=1&a=", "/?a+b=c%20d~*!'()", "/?x=\xff&y=%00"}) {
        RawRequest request(fmt::format("GET {} HTTP/1.1\nHost: x\n\n", target));
        EXPECT_EQ(fault_of(signed_request(request, signer, now_ms).view(), secret, now_ms), Fault())
            << target;
        EXPECT_EQ(fault_of(presigned_request(RawRequest(fmt::format("GET /{} HTTP/1.1\nHost: x\n\n", target)),
                                             signer, now_ms, 60)
                               .view(),
                           secret, now_ms),
                  Fault())
            << target;
    }
}

TEST(RoundTrip, NeedsAQueryThatCanBeRead) {
    RawRequest request("GET /?a=% HTTP/1.1\nHost: x\n\n");
    EXPECT_EQ(sign(request.view(), signer, now_ms).error().fault, AuthFault::malformed);
    EXPECT_EQ(presign(request.view(), signer, now_ms, 60).error().fault, AuthFault::malformed);
}

}  // namespace
}  // namespace lodge::auth
