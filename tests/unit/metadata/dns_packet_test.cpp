#include "agent/metadata/dns_packet.h"

#include <gtest/gtest.h>

namespace lodge::agent {
namespace {

// A query for the A record of what the labels make.
std::string query(const std::vector<std::string>& labels) {
    std::string out("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
    for (const auto& label : labels) out += static_cast<char>(label.size()) + label;
    return out + std::string("\0\0\1\0\1", 5);
}

TEST(DnsPacket, AQuestionIsRead) {
    auto message = query({"WWW", "example", "com"});
    auto question = parse_query(message + "additional");
    ASSERT_TRUE(question);
    EXPECT_EQ(question->id, 0x1234);
    EXPECT_EQ(question->name, "www.example.com");
    EXPECT_EQ(question->size, message.size());
}

TEST(DnsPacket, NoBytesDoHarm) {
    auto good = query({"www", "example", "com"});
    for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(parse_query(good.substr(0, size)));
    for (std::size_t at = 0; at < good.size(); ++at)
        for (int byte = 0; byte < 256; ++byte) {
            auto bad = good;
            bad[at] = static_cast<char>(byte);
            if (auto question = parse_query(bad)) {
                EXPECT_LE(question->size, bad.size());
                EXPECT_EQ(refuse_query(bad, *question, DnsFailure::server_failure).size(), question->size);
            }
        }
    EXPECT_FALSE(parse_query(query(std::vector<std::string>(10, std::string(63, 'x')))));
}

TEST(DnsPacket, ARefusalIsAReplyToItsQuery) {
    auto message = query({"a", "ec2", "internal"});
    auto reply = refuse_query(message, *parse_query(message), DnsFailure::no_such_name);
    EXPECT_EQ(message_id(reply), 0x1234);
    EXPECT_EQ(reply[2], '\x81');
    EXPECT_EQ(reply[3], '\x83');
    EXPECT_FALSE(parse_query(reply)) << "it is no query any more";
}

TEST(DnsPacket, PrivateNames) {
    for (auto name : {"ip-10-0-0-5.ec2.internal", "ec2.internal", "i-1.eu-west-1.compute.internal",
                      "5.0.0.10.in-addr.arpa", "1.1.16.172.in-addr.arpa", "254.169.254.169.in-addr.arpa"})
        EXPECT_TRUE(is_private_name(name)) << name;
    for (auto name : {"", "internal", "myec2.internal", "example.com", "1.1.15.172.in-addr.arpa",
                      "8.8.8.8.in-addr.arpa", "110.in-addr.arpa"})
        EXPECT_FALSE(is_private_name(name)) << name;
}

}  // namespace
}  // namespace lodge::agent
