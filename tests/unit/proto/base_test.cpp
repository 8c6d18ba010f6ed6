#include <gtest/gtest.h>

#include <set>

#include "proto/base/encoding.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"

namespace lodge {
namespace {

TEST(Errors, FillTheirSentences) {
    auto error = make_error(ErrorCode::invalid_ami_name_duplicate, {"a{}b", "ami-1"});
    EXPECT_EQ(error.message, "AMI name a{}b is already in use by AMI ami-1");
    EXPECT_EQ(wire_code(error.code), "InvalidAMIName.Duplicate");
    EXPECT_EQ(http_status(ErrorCode::auth_failure), 401);
    EXPECT_EQ(http_status(ErrorCode::dry_run_operation), 412);
    EXPECT_EQ(code_from_wire("InvalidAMIID.NotFound"), ErrorCode::invalid_ami_id_not_found);
    EXPECT_EQ(code_from_wire("Bogus"), ErrorCode::internal_error);
}

// Codes that share a wire code are one error in two sentences, and read back as the first of them.
TEST(Errors, WireCodesLeadBack) {
    for (int i = 0; i <= static_cast<int>(ErrorCode::io_failure); ++i) {
        const auto code = static_cast<ErrorCode>(i);
        const auto back = code_from_wire(wire_code(code));
        EXPECT_EQ(wire_code(back), wire_code(code));
        EXPECT_EQ(http_status(back), http_status(code)) << wire_code(code);
        EXPECT_LE(back, code) << wire_code(code);
    }
}

TEST(Ids, AreWellFormedOrNothing) {
    SystemRandom random;
    auto id = InstanceId::make(random);
    EXPECT_EQ(id.str().size(), 2 + id_digits);
    EXPECT_TRUE(InstanceId::parse(id.str()));
    EXPECT_TRUE(InstanceId::parse("i-12345678"));
    for (const char* bad : {"", "i-", "i-1", "i-0123456789ABCDEF0", "ami-0123456789abcdef0",
                            "i-0123456789abcdef01", "i-0123456789abcdefg"})
        EXPECT_FALSE(InstanceId::parse(bad)) << bad;
    EXPECT_TRUE(parse_image_id("aki-0123456789abcdef0"));
    EXPECT_FALSE(parse_image_id("i-0123456789abcdef0"));
}

TEST(Ids, ImportTasksAreOfImagesOrOfSnapshots) {
    SeededRandom random(5);
    const auto image = make_import_task_id(random, ImportKind::image);
    const auto snapshot = make_import_task_id(random, ImportKind::snapshot);
    EXPECT_EQ(parse_import_task_id(image.str(), ImportKind::image), image);
    EXPECT_EQ(parse_import_task_id(snapshot.str(), ImportKind::snapshot), snapshot);
    EXPECT_FALSE(parse_import_task_id(image.str(), ImportKind::snapshot));
    EXPECT_FALSE(parse_import_task_id("import-ami-", ImportKind::image));
    EXPECT_FALSE(parse_image_id(image.str()));
}

TEST(Ids, AccountsHaveTwelveDigits) {
    SeededRandom random(5);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(account_id_well_formed(make_account_id(random)));
    EXPECT_FALSE(account_id_well_formed("12345678901"));
    EXPECT_FALSE(account_id_well_formed("12345678901a"));
}

TEST(Encoding, Base64) {
    for (std::string text :
         {std::string(), std::string("a"), std::string("ab"), std::string("abc"), std::string("\0\xff", 2)})
        EXPECT_EQ(base64_decode(base64_encode(text)), text);
    EXPECT_EQ(base64_decode("YW\r\nJj"), "abc");
    EXPECT_EQ(base64_decode("YQ"), "a");
    EXPECT_FALSE(base64_decode("Y"));
    EXPECT_FALSE(base64_decode("YQ==x"));
    EXPECT_FALSE(base64_decode("Y*Q="));
}

TEST(Encoding, Times) {
    EXPECT_EQ(format_time(0), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(parse_time("2026-11-23T20:13:00.000Z"), parse_time("2026-11-23T21:13:00+01:00"));
    EXPECT_EQ(format_time(*parse_time("2024-02-29T23:59:59.5Z")), "2024-02-29T23:59:59.500Z");
    EXPECT_EQ(parse_amz_date("20150830T123600Z"), parse_time("2015-08-30T12:36:00Z"));
    for (const char* bad : {"", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
                            "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.Z", "0000-01-01T00:00:00+01:00",
                            "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z"})
        EXPECT_FALSE(parse_time(bad)) << bad;
    EXPECT_FALSE(parse_amz_date("99991231T235960Z"));
    for (const char* edge : {"0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"})
        EXPECT_EQ(format_time(parse_time(edge).value()), edge);
}

TEST(Encoding, Utf8) {
    EXPECT_TRUE(utf8_valid("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
    for (const char* bad : {"\x80", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"})
        EXPECT_FALSE(utf8_valid(bad));
}

TEST(Random, ASeedRepeats) {
    SeededRandom a(9);
    SeededRandom b(9);
    EXPECT_EQ(a.hex(64), b.hex(64));
    EXPECT_EQ(a.uuid().size(), 36U);
    EXPECT_EQ(a.uuid()[14], '4');
}

}  // namespace
}  // namespace lodge
