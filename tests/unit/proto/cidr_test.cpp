#include "proto/base/cidr.h"

#include <gtest/gtest.h>

namespace lodge {
namespace {

Cidr cidr(std::string_view text) {
    auto parsed = Cidr::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(Cidr());
}

TEST(IpAddress, TextIsCanonical) {
    EXPECT_EQ(IpAddress::parse("10.0.0.5")->str(), "10.0.0.5");
    EXPECT_EQ(IpAddress::parse("2001:DB8:0:0:0:0:0:1")->str(), "2001:db8::1");
    EXPECT_EQ(IpAddress::parse("255.255.255.255")->plus(1).str(), "0.0.0.0");
    EXPECT_EQ(IpAddress::parse("10.0.0.255")->plus(1).str(), "10.0.1.0");
}

TEST(IpAddress, RubbishIsRefused) {
    for (auto text : {"", "10.0.0", "10.0.0.256", "10.0.0.01x", "1.2.3.4 ", "::g", "10.0.0.5/8"})
        EXPECT_FALSE(IpAddress::parse(text)) << text;
    EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
}

TEST(Cidr, DropsTheBitsBehindThePrefix) {
    EXPECT_EQ(cidr("10.1.2.3/16").str(), "10.1.0.0/16");
    EXPECT_EQ(cidr("2001:db8:1234::5/56").str(), "2001:db8:1234::/56");
    EXPECT_EQ(cidr("1.2.3.4/0").str(), "0.0.0.0/0");
    EXPECT_EQ(cidr("1.2.3.4/32").str(), "1.2.3.4/32");
    EXPECT_EQ(cidr("::/0").str(), "::/0");
}

TEST(Cidr, RubbishIsRefused) {
    for (auto text :
         {"", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "::/129", "/8"})
        EXPECT_FALSE(Cidr::parse(text)) << text;
}

TEST(Cidr, ContainsAndOverlaps) {
    auto vpc = cidr("10.0.0.0/16");
    EXPECT_TRUE(vpc.contains(cidr("10.0.255.0/24")));
    EXPECT_FALSE(vpc.contains(cidr("10.1.0.0/24")));
    EXPECT_FALSE(vpc.contains(cidr("10.0.0.0/15")));
    EXPECT_TRUE(vpc.overlaps(cidr("10.0.0.0/15")));
    EXPECT_FALSE(vpc.overlaps(cidr("10.1.0.0/16")));
    EXPECT_TRUE(vpc.contains(*IpAddress::parse("10.0.1.2")));
    EXPECT_FALSE(vpc.contains(*IpAddress::parse("::10.0.1.2")));
    EXPECT_TRUE(cidr("0.0.0.0/0").contains(*IpAddress::parse("255.1.1.1")));
    EXPECT_FALSE(cidr("0.0.0.0/0").overlaps(cidr("::/0")));
}

TEST(Cidr, Counts) {
    EXPECT_TRUE(cidr("10.0.0.0/28").size() == 16);
    EXPECT_EQ(cidr("10.0.0.0/28").last().str(), "10.0.0.15");
    EXPECT_EQ(cidr("fd00::/64").last().str(), "fd00::ffff:ffff:ffff:ffff");
}

}  // namespace
}  // namespace lodge
