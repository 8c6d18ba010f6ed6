// Requests with signatures that others made: AWS's published test suite for SigV4 and its documentation,
// stock botocore, curl. They hold our canonical form against theirs.
#include <gtest/gtest.h>

#include "api/auth/canonical.h"
#include "api/auth/signing_keys.h"
#include "raw_request.h"

namespace lodge::auth {
namespace {

struct Vector {
    std::string_view name;
    std::string_view text;
};

void PrintTo(const Vector& vector, std::ostream* out) {
    *out << vector.name;
}

std::string name_of(const testing::TestParamInfo<Vector>& info) {
    return std::string(info.param.name);
}

// All of the suite are signed with this secret at this time.
constexpr std::string_view suite_secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view suite_time = "20150830T123600Z";

class Suite : public testing::TestWithParam<Vector> {};

TEST_P(Suite, Verifies) {
    RawRequest request(GetParam().text);
    auto claim = read_claim(request.view(), at_time(suite_time));
    ASSERT_TRUE(claim) << claim.error().message;
    auto status = verify(*claim, request.view(), suite_secret);
    EXPECT_TRUE(status) << status.error().message;
    EXPECT_FALSE(verify(*claim, request.view(), "another secret"));
}

constexpr Vector suite[] = {
    {"get_vanilla", R"(GET / HTTP/1.1
Host:example.amazonaws.com
X-Amz-Date:20150830T123600Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31

)"},
    {"get_header_key_duplicate", R"(GET / HTTP/1.1
Host:example.amazonaws.com
My-Header1:value2
My-Header1:value2
My-Header1:value1
Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;my-header1;x-amz-date, Signature=c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea
X-Amz-Date:20150830T123600Z

)"},
    {"get_header_value_order", R"(GET / HTTP/1.1
Host:example.amazonaws.com
My-Header1:value4
My-Header1:value1
My-Header1:value3
My-Header1:value2
Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;my-header1;x-amz-date, Signature=08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01
X-Amz-Date:20150830T123600Z

)"},
    {"get_header_value_trim", R"(GET / HTTP/1.1
Host:example.amazonaws.com
My-Header1: value1
My-Header2: "a   b   c"
Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;my-header1;my-header2;x-amz-date, Signature=acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736
X-Amz-Date:20150830T123600Z

)"},
    {"get_slashes_normalized", R"(GET //example// HTTP/1.1
Host:example.amazonaws.com
Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84
X-Amz-Date:20150830T123600Z

)"},
    {"get_space_normalized", R"(GET /example space/ HTTP/1.1
Host:example.amazonaws.com
Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741
X-Amz-Date:20150830T123600Z

)"},
    {"get_relative_relative", R"(GET /example1/example2/../.. HTTP/1.1
Host:example.amazonaws.com
X-Amz-Date:20150830T123600Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31

)"},
    {"get_unreserved",
     R"(GET /-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz HTTP/1.1
Host:example.amazonaws.com
X-Amz-Date:20150830T123600Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f

)"},
    {"get_utf8", R"(GET /ሴ HTTP/1.1
Host:example.amazonaws.com
Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85
X-Amz-Date:20150830T123600Z

)"},
    {"get_utf8_query", R"(GET /?ሴ=bar HTTP/1.1
Host:example.amazonaws.com
Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04
X-Amz-Date:20150830T123600Z

)"},
    {"get_query_order_key_case", R"(GET /?Param2=value2&Param1=value1 HTTP/1.1
Host:example.amazonaws.com
X-Amz-Date:20150830T123600Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500

)"},
    {"get_query_order_encoded", R"(GET /?Param-3=Value3&Param=Value2&%E1%88%B4=Value1 HTTP/1.1
Host:example.amazonaws.com
Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac
X-Amz-Date:20150830T123600Z

)"},
    {"get_with_session_token", R"(GET / HTTP/1.1
Host:example.amazonaws.com
Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8
X-Amz-Date:20150830T123600Z
X-Amz-Security-Token:6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267

)"},
    {"post_form", R"(POST / HTTP/1.1
Content-Type:application/x-www-form-urlencoded
Host:example.amazonaws.com
X-Amz-Date:20150830T123600Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a

Param1=value1)"},
    {"post_form_with_content_hash", R"(POST / HTTP/1.1
Content-Type:application/x-www-form-urlencoded
Host:example.amazonaws.com
Content-Length:13
x-amz-content-sha256:9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e
Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=content-length;content-type;host;x-amz-content-sha256;x-amz-date, Signature=d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b
X-Amz-Date:20150830T123600Z

Param1=value1)"},
    {"presigned_unreserved",
     R"(GET /?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Expires=3600&X-Amz-Signature=8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf HTTP/1.1
Host:example.amazonaws.com
X-Amz-Date:20150830T123600Z

)"},
    // IAM user guide, "Create a signed AWS API request".
    {"iam_list_users", R"(GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1
Host: iam.amazonaws.com
Content-Type: application/x-www-form-urlencoded; charset=utf-8
X-Amz-Date: 20150830T123600Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7

)"},
};

INSTANTIATE_TEST_SUITE_P(Aws, Suite, testing::ValuesIn(suite), name_of);

// IAM user guide, "Create a signed AWS API request", step 4.
TEST(SigningKey, IsTheDocumentedOne) {
    EXPECT_EQ(hex_encode(derive_signing_key(suite_secret, "20150830", "us-east-1", "iam")),
              "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

TEST(StringToSign, IsTheDocumentedOne) {
    RawRequest request(suite[std::size(suite) - 1].text);
    auto text = string_to_sign(request.view(), {"content-type", "host", "x-amz-date"}, hex_encode(sha256("")),
                               suite_time, "20150830/us-east-1/iam/aws4_request");
    ASSERT_TRUE(text);
    EXPECT_EQ(*text,
              "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
              "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
}

class Stock : public testing::TestWithParam<Vector> {};

TEST_P(Stock, Verifies) {
    RawRequest request(GetParam().text);
    for (std::string_view when : {"20261123T201300Z", "20261123T230219Z"}) {
        if (request.text().find(when) == std::string::npos) continue;
        EXPECT_EQ(fault_of(request.view(), suite_secret, at_time(when)), std::nullopt);
        EXPECT_EQ(fault_of(request.view(), "another secret", at_time(when)), AuthFault::bad_signature);
    }
}

constexpr Vector from_botocore[] = {
#include "botocore_requests.inc"
};

INSTANTIATE_TEST_SUITE_P(Botocore, Stock, testing::ValuesIn(from_botocore), name_of);

// curl 7.88.1 --aws-sigv4 aws:amz:eu-central-1:ec2.
constexpr Vector from_curl[] = {
    {"post", R"(POST / HTTP/1.1
Host: 127.0.0.1:18974
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261123/eu-central-1/ec2/aws4_request, SignedHeaders=host;x-amz-date, Signature=470c8eea9c619adeadb25faa8f03102f430edd482a82838956757b3aa8aa237f
X-Amz-Date: 20261123T230219Z
Content-Type: application/x-www-form-urlencoded

Action=DescribeInstances&Version=2016-11-15)"},
    {"get",
     R"(GET /?Action=DescribeInstances&Filter.1.Name=tag%3Aa&Filter.1.Value.1=a%2Ab%20c~&Version=2016-11-15 HTTP/1.1
Host: 127.0.0.1:18974
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261123/eu-central-1/ec2/aws4_request, SignedHeaders=host;x-amz-date, Signature=2367c5789a601c8f2aeb91a91b31273c48a383c2ebaf95848789d9584c43815a
X-Amz-Date: 20261123T230219Z

)"},
};

INSTANTIATE_TEST_SUITE_P(Curl, Stock, testing::ValuesIn(from_curl), name_of);

}  // namespace
}  // namespace lodge::auth
