// Sockets that the owner made itself, and whom it lets in.
#include <atomic>
#include <set>

#include "tests/unit/http/fixture.h"

namespace lodge::http {
namespace {

// On a free port of the loopback, not yet listening.
int bound_socket(std::uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    return fd;
}

void tell_peer(const Request& request, const Reply& reply) {
    reply(text(request.peer_address));
}

class Listeners : public HttpTest {
  protected:
    void serve_added(Config config = {}) {
        config.only_added_listeners = true;
        serve(tell_peer, std::move(config));
    }
    std::uint64_t add(const std::string& tag, std::uint16_t& port) {
        auto added = server->add_listener(bound_socket(port), tag);
        EXPECT_TRUE(added);
        return added.value_or(0);
    }
};

TEST_F(Listeners, AClientIsNamedAfterTheSocketItCameInBy) {
    serve_added();
    std::uint16_t one = 0, two = 0;
    add("one", one);
    add("two", two);
    EXPECT_EQ(Client(one).get("/").body, "one/127.0.0.1");
    EXPECT_EQ(Client(two).get("/").body, "two/127.0.0.1");
    EXPECT_EQ(server->port(), 0);
}

TEST_F(Listeners, OneThatIsRemovedTakesNobodyAndKeepsWhomItHas) {
    serve_added();
    std::uint16_t port = 0, other = 0;
    auto id = add("one", port);
    Client client(port);
    EXPECT_EQ(client.get("/").status, 200);
    server->remove_listener(id);
    server->remove_listener(id);
    EXPECT_TRUE(eventually([&] { return !Client(port).connected(); }));
    EXPECT_EQ(client.get("/").body, "one/127.0.0.1");
    add("two", other);
    EXPECT_EQ(Client(other).get("/").status, 200);
}

TEST_F(Listeners, ComeAndGoWhileClientsDo) {
    Config config;
    config.threads = 2;
    serve_added(std::move(config));
    const auto before = open_descriptors();
    for (int i = 0; i < 50; ++i) {
        std::uint16_t port = 0;
        auto id = add("x", port);
        Client client(port);
        server->remove_listener(id);
        client.get("/");
    }
    EXPECT_TRUE(all_closed());
    EXPECT_TRUE(eventually([&] { return open_descriptors() == before; }));
}

TEST_F(Listeners, WhatIsNoSocketIsRefused) {
    serve_added();
    EXPECT_FALSE(server->add_listener(-1, "none"));
}

TEST_F(Listeners, WhoIsNotAdmittedHearsNothingAndEachOtherLeavesOnce) {
    std::mutex mutex;
    std::multiset<std::string> inside;
    std::atomic<int> refused{0};
    Config config;
    config.limits.max_connections = 2;
    config.admit = [&](const std::string& peer) {
        std::lock_guard lock(mutex);
        if (inside.size() >= 3) return ++refused, false;
        inside.insert(peer);
        return true;
    };
    config.left = [&](const std::string& peer) {
        std::lock_guard lock(mutex);
        inside.erase(inside.find(peer));
    };
    auto count = [&] {
        std::lock_guard lock(mutex);
        return inside.size();
    };
    serve_added(std::move(config));
    std::uint16_t port = 0;
    add("net", port);
    Client first(port), second(port);
    EXPECT_EQ(first.get("/").status, 200);
    EXPECT_EQ(second.get("/").status, 200);
    Client third(port);
    EXPECT_EQ(third.read_answer().status, 503) << "admitted, but there are too many";
    Client fourth(port);
    EXPECT_TRUE(fourth.ended());
    EXPECT_EQ(refused.load(), 1);
    first.close();
    second.abort();
    third.close();
    EXPECT_TRUE(eventually([&] { return count() == 0; }));
    EXPECT_EQ(Client(port).get("/").status, 200);
    server.reset();
    EXPECT_EQ(count(), 0U) << "those that a stop cuts leave too";
}

TEST_F(Listeners, AReplyMaySayHowFarItGoes) {
    Config config;
    serve(
        [](const Request& request, const Reply& reply) {
            auto response = text("near");
            response.hop_limit = request.target == "/near" ? 1 : 0;
            reply(std::move(response));
        },
        std::move(config));
    auto near = client();
    EXPECT_EQ(near.get("/near").body, "near") << "the loopback is no hop; see tests/host/metadata";
    EXPECT_EQ(near.get("/far").body, "near");
}

}  // namespace
}  // namespace lodge::http
