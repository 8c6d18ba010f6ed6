#include "agent/metadata/dns_packet.h"

#include <gtest/gtest.h>

#include "tests/unit/metadata/dns_messages.h"

namespace lodge::agent {
namespace {

using testing::query;

TEST(DnsPacket, AQuestionIsRead) {
    auto message = query({"WWW", "example", "com"});
    auto question = parse_query(message + "additional");
    ASSERT_TRUE(question);
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
    EXPECT_TRUE(is_reply_to(reply, message, *parse_query(message)));
    EXPECT_EQ(reply[2], '\x81');
    EXPECT_EQ(reply[3], '\x83');
    EXPECT_FALSE(parse_query(reply)) << "it is no query any more";
}

TEST(DnsPacket, OnlyAnAnswerToTheQuestionIsAReply) {
    const auto message = query({"www", "example", "com"});
    const auto question = *parse_query(message);
    auto is_reply = [&](const std::string& reply) { return is_reply_to(reply, message, question); };
    auto good = testing::answer(message);
    EXPECT_TRUE(is_reply(good));
    auto upper = good;
    upper[13] = 'W';
    EXPECT_TRUE(is_reply(upper)) << "names have no case";
    EXPECT_FALSE(is_reply(message)) << "a query is no answer";
    EXPECT_FALSE(is_reply(testing::answer(query({"xxx", "example", "com"})))) << "of another name";
    for (std::size_t at : {std::size_t{0}, std::size_t{1}, question.size - 1, question.size - 3}) {
        auto bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0x20);
        EXPECT_FALSE(is_reply(bad)) << at;
    }
    for (std::size_t size = 0; size < question.size; ++size) EXPECT_FALSE(is_reply(good.substr(0, size)));
    auto bare = good.substr(0, 12);
    bare[5] = 0;
    EXPECT_FALSE(is_reply(bare)) << "success without a question";
    bare[3] = '\x82';
    EXPECT_TRUE(is_reply(bare)) << "a failure may leave it out";
}

TEST(DnsPacket, PrivateNames) {
    for (auto name : {"ip-10-0-0-5.ec2.internal", "ec2.internal", "i-1.eu-west-1.compute.internal",
                      "5.0.0.10.in-addr.arpa", "1.1.16.172.in-addr.arpa", "254.169.254.169.in-addr.arpa",
                      "1.0.64.100.in-addr.arpa", "1.0.0.0.d.f.ip6.arpa", "a.b.0.8.e.f.ip6.arpa"})
        EXPECT_TRUE(is_private_name(name)) << name;
    for (auto name : {"", "internal", "myec2.internal", "example.com", "1.1.15.172.in-addr.arpa",
                      "8.8.8.8.in-addr.arpa", "110.in-addr.arpa", "1.0.63.100.in-addr.arpa",
                      "1.0.128.100.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa", "arpa", "in-addr.arpa"})
        EXPECT_FALSE(is_private_name(name)) << name;
}

}  // namespace
}  // namespace lodge::agent
