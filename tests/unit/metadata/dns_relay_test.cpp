// The relay on loopback, between guests that are 127.0.0.x and a resolver of the test's own.
#include "agent/metadata/dns_relay.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "tests/unit/metadata/dns_messages.h"
#include "tests/unit/metadata/sockets.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

using testing::answer;
using testing::code_of;
using testing::eventually;
using testing::framed;
using testing::query;
using testing::Socket;

constexpr int server_failure = 2;
constexpr int no_such_name = 3;

// Answers by UDP and by TCP, unless told to be silent.
class FakeResolver {
  public:
    FakeResolver() : udp_(SOCK_DGRAM, "127.0.0.1", port_), tcp_(SOCK_STREAM, "127.0.0.1", port_) {
        ::listen(tcp_.fd(), 16);
        udp_thread_ = std::thread([this] { serve_udp(); });
        tcp_thread_ = std::thread([this] { serve_tcp(); });
    }
    ~FakeResolver() {
        stopping_ = true;
        ::shutdown(tcp_.fd(), SHUT_RDWR);
        Socket nudge(SOCK_DGRAM, "127.0.0.1");
        nudge.connect("127.0.0.1", port_);
        nudge.send("end");
        udp_thread_.join();
        tcp_thread_.join();
    }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

    std::atomic<bool> silent{false};
    std::atomic<bool> forges{false};  // sends answers to something else before the right one
    std::atomic<int> asked_by_udp{0};
    std::atomic<int> asked_by_tcp{0};
    std::atomic<int> ids{0};  // queries whose ID was not the guest's
    std::atomic<std::size_t> padding{0};

  private:
    void serve_udp() {
        while (!stopping_) {
            std::string bytes(4096, '\0');
            sockaddr_in from{};
            socklen_t size = sizeof from;
            auto got = ::recvfrom(udp_.fd(), bytes.data(), bytes.size(), 0,
                                  reinterpret_cast<sockaddr*>(&from), &size);
            if (got < 12) continue;
            bytes.resize(static_cast<std::size_t>(got));
            ++asked_by_udp;
            if (bytes.substr(0, 2) != "\x12\x34") ++ids;
            if (silent) continue;
            auto reply = [&](const std::string& text) {
                ::sendto(udp_.fd(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
            };
            if (forges) {
                auto forged = answer(bytes);
                forged[0] = static_cast<char>(forged[0] ^ 1);
                reply(forged);
                auto other = query({"evil", "example"});
                reply(answer(bytes.substr(0, 2) + other.substr(2)));
                reply("short");
            }
            reply(answer(bytes, padding));
        }
    }
    void serve_tcp() {
        for (;;) {
            int fd = ::accept4(tcp_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            Socket client(fd);
            auto bytes = client.receive();
            ++asked_by_tcp;
            if (silent || bytes.size() < 14) continue;
            client.send(framed(answer(bytes.substr(2), padding)));
        }
    }

    const std::uint16_t port_ = testing::free_port();
    Socket udp_;
    Socket tcp_;
    std::atomic<bool> stopping_{false};
    std::thread udp_thread_;
    std::thread tcp_thread_;
};

class Relay : public ::testing::Test {
  protected:
    void start(std::vector<std::string> resolvers) {
        options.port = port;
        options.resolvers = std::move(resolvers);
        auto started = DnsRelay::start(options, clock, random);
        ASSERT_TRUE(started) << started.error().message;
        relay = std::move(*started);
        relay->set_networks({{VpcId::trusted("vpc-0000000000000000a"), "", 1, {"127.0.0.1"}}});
        ASSERT_TRUE(eventually([&] { return code_of(ask(query({"ec2", "internal"}))) == no_such_name; }));
    }
    void SetUp() override {
        options.queries_of_a_guest = 4;
        options.connections_of_a_guest = 2;
        options.patience_ms = 100;
    }
    Socket guest(int type, const std::string& address = "127.0.0.5") const {
        Socket socket(type, address);
        socket.connect("127.0.0.1", port);
        return socket;
    }
    std::string ask(const std::string& asked, const std::string& address = "127.0.0.5") const {
        auto socket = guest(SOCK_DGRAM, address);
        socket.send(asked);
        return socket.receive();
    }

    SystemClock clock;
    SeededRandom random{7};
    DnsOptions options;
    std::uint16_t port = testing::free_port();
    const std::string message = query({"www", "example", "com"});
    std::unique_ptr<DnsRelay> relay;
};

TEST_F(Relay, AQuestionGoesOutAndItsAnswerComesBack) {
    FakeResolver resolver;
    start({resolver.address()});
    EXPECT_EQ(ask(message), answer(message));
    resolver.padding = 3'000;
    EXPECT_EQ(ask(message), answer(message, 3'000));
    EXPECT_GT(resolver.ids, 0) << "it has an ID of its own";
}

TEST_F(Relay, TheSameByTcpManyTimesOnOneConnection) {
    FakeResolver resolver;
    start({resolver.address()});
    auto socket = guest(SOCK_STREAM);
    const auto expected = framed(answer(message));
    for (int i = 0; i < 3; ++i) {
        socket.send(framed(message).substr(0, 1));
        socket.send(framed(message).substr(1));
        EXPECT_EQ(socket.receive(expected.size()), expected);
    }
    socket.send(framed(message) + framed(message));
    EXPECT_EQ(socket.receive(2 * expected.size()), expected + expected);
    resolver.padding = 60'000;
    socket.send(framed(message));
    const auto large = framed(answer(message, 60'000));
    EXPECT_EQ(socket.receive(large.size()), large);
}

TEST_F(Relay, PrivateNamesDoNotLeaveTheHost) {
    FakeResolver resolver;
    start({resolver.address()});
    for (const auto& name : {query({"ip-10-0-0-5", "ec2", "internal"}), query({"x", "compute", "internal"}),
                             query({"5", "0", "0", "10", "in-addr", "arpa"})}) {
        EXPECT_EQ(code_of(ask(name)), no_such_name);
        auto socket = guest(SOCK_STREAM);
        socket.send(framed(name));
        EXPECT_EQ(code_of(socket.receive(14).substr(2)), no_such_name);
    }
    EXPECT_EQ(resolver.asked_by_udp + resolver.asked_by_tcp, 0);
}

TEST_F(Relay, WhatIsForgedIsNotPassedOn) {
    FakeResolver resolver;
    resolver.forges = true;
    start({resolver.address()});
    EXPECT_EQ(ask(message), answer(message));
}

TEST_F(Relay, ASilentResolverIsFollowedByTheNextAndThenByAFailure) {
    FakeResolver deaf;
    FakeResolver good;
    deaf.silent = true;
    start({deaf.address(), good.address()});
    EXPECT_EQ(ask(message), answer(message));
    auto socket = guest(SOCK_STREAM);
    socket.send(framed(message));
    EXPECT_EQ(socket.receive(framed(answer(message)).size()), framed(answer(message)));
    good.silent = true;
    EXPECT_EQ(code_of(ask(message)), server_failure);
    socket.send(framed(message));
    EXPECT_EQ(code_of(socket.receive(14).substr(2)), server_failure);
}

TEST_F(Relay, NobodyToAskIsAFailureAtOnce) {
    start({"127.0.0.1:" + std::to_string(testing::free_port())});
    EXPECT_EQ(code_of(ask(message)), server_failure) << "nobody listens there";
    TemporaryFolder folder;
    options.resolv_conf = folder.path() / "resolv.conf";
    relay.reset();
    start({});
    EXPECT_EQ(code_of(ask(message)), server_failure) << "no resolver at all";
    auto socket = guest(SOCK_STREAM);
    socket.send(framed(message));
    EXPECT_EQ(code_of(socket.receive(14).substr(2)), server_failure);
}

TEST_F(Relay, OneGuestsFloodLeavesRoomForAnother) {
    FakeResolver resolver;
    resolver.silent = true;
    options.patience_ms = 60'000;
    start({resolver.address()});
    auto flood = guest(SOCK_DGRAM);
    for (int i = 0; i < 50; ++i) flood.send(message);
    std::vector<Socket> streams;
    for (int i = 0; i < 20; ++i) {
        streams.push_back(guest(SOCK_STREAM));
        streams.back().send(framed(message));
    }
    EXPECT_TRUE(eventually([&] { return resolver.asked_by_udp == 4; })) << resolver.asked_by_udp;
    EXPECT_EQ(streams.back().receive(), "") << "closed: there are two already";
    resolver.silent = false;
    EXPECT_EQ(ask(message, "127.0.0.6"), answer(message));
    EXPECT_EQ(resolver.asked_by_udp, 4 + 1);
}

TEST_F(Relay, RubbishIsNotAnswered) {
    FakeResolver resolver;
    start({resolver.address()});
    auto socket = guest(SOCK_DGRAM);
    for (const auto& rubbish : {std::string(), std::string(5, 'x'), std::string(4'000, '\xff'),
                                std::string(9'000, 'x'), answer(message), message.substr(0, 20)})
        socket.send(rubbish);
    socket.send(message);
    EXPECT_EQ(socket.receive(), answer(message)) << "the first that comes";
    for (const auto& rubbish :
         {framed("x"), framed(answer(message)), std::string("\xff\xff"), std::string("\0\0", 2)}) {
        auto stream = guest(SOCK_STREAM);
        stream.send(rubbish);
        EXPECT_EQ(stream.receive(), "") << "closed";
    }
    EXPECT_EQ(resolver.asked_by_udp, 1);
    EXPECT_EQ(resolver.asked_by_tcp, 0);
}

TEST_F(Relay, NetworksComeAndGo) {
    FakeResolver resolver;
    start({resolver.address()});
    relay->set_networks({});
    EXPECT_TRUE(eventually([&] {
        Socket socket(SOCK_STREAM, "127.0.0.5");
        return !socket.connect("127.0.0.1", port);
    }));
    {
        Socket squatter(SOCK_DGRAM, "127.0.0.1", port);
        relay->set_networks({{VpcId::trusted("vpc-0000000000000000a"), "", 2, {"127.0.0.1"}}});
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_TRUE(eventually([&] { return guest(SOCK_STREAM).fd() >= 0 && ask(message) == answer(message); }));
}

TEST_F(Relay, AResolverThatIsNoAddressIsRefused) {
    for (auto text : {"", "example.com", "1.2.3", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:70000", "[::1"}) {
        options.resolvers = {text};
        EXPECT_FALSE(DnsRelay::start(options, clock, random)) << text;
    }
}

TEST(Resolvers, AddressesOfBothFamiliesWithAndWithoutAPort) {
    for (auto text : {"192.0.2.1", "192.0.2.1:5353"})
        EXPECT_EQ(parse_resolver(text)->address.ss_family, AF_INET);
    for (auto text : {"2001:db8::1", "[2001:db8::1]:5353", "::1"})
        EXPECT_EQ(parse_resolver(text)->address.ss_family, AF_INET6);
    auto parsed = *parse_resolver("192.0.2.1:5353");
    EXPECT_EQ(ntohs(reinterpret_cast<sockaddr_in&>(parsed.address).sin_port), 5353);
    parsed = *parse_resolver("2001:db8::1");
    EXPECT_EQ(ntohs(reinterpret_cast<sockaddr_in6&>(parsed.address).sin6_port), 53);
}

TEST(Resolvers, TheFileIsReadAgainWhenItChanges) {
    TemporaryFolder folder;
    const auto file = folder.path() / "resolv.conf";
    ManualClock clock(0);
    auto resolvers = *Resolvers::make({}, file, clock);
    EXPECT_TRUE(resolvers.now().empty());
    std::ofstream(file) << "# nameserver 192.0.2.9\nsearch example.com\nnameserver 192.0.2.1\n"
                        << "nameserver\nnameserver example\n nameserver  2001:db8::1 \n";
    EXPECT_TRUE(resolvers.now().empty()) << "not at every question";
    clock.advance_ms(10'000);
    EXPECT_EQ(resolvers.now().size(), 2U);
    std::ofstream(file) << "nameserver 192.0.2.1\n";
    clock.advance_ms(10'000);
    EXPECT_EQ(resolvers.now().size(), 1U);
    std::filesystem::remove(file);
    clock.advance_ms(10'000);
    EXPECT_TRUE(resolvers.now().empty());
}

}  // namespace
}  // namespace lodge::agent
