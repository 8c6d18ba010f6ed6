#include <atomic>

#include "tests/unit/http/fixture.h"

namespace lodge::http {
namespace {

using Replies = HttpTest;

TEST_F(Replies, may_come_from_another_thread) {
    Deferred deferred;
    serve(deferred.handler());
    auto c = client();
    for (int i = 0; i < 3; ++i) {
        c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        std::thread([&] { deferred.take().second(text("later")); }).join();
        EXPECT_EQ(c.read_answer().body, "later");
    }
}

TEST_F(Replies, only_the_first_counts) {
    serve([](const Request&, const Reply& reply) {
        auto copy = reply;
        copy(text("first"));
        reply(text("second"));
    });
    auto c = client();
    EXPECT_EQ(c.get("/").body, "first");
    EXPECT_EQ(c.get("/").body, "first");
}

TEST_F(Replies, a_dropped_one_is_a_500) {
    serve([](const Request&, const Reply&) {});
    auto c = client();
    EXPECT_EQ(c.get("/").status, 500);
    EXPECT_EQ(c.get("/").status, 500);
}

TEST_F(Replies, one_dropped_by_another_thread_is_a_500) {
    Deferred deferred;
    serve(deferred.handler());
    auto c = client();
    c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    std::thread([&] { deferred.take(); }).join();
    EXPECT_EQ(c.read_answer().status, 500);
}

TEST_F(Replies, a_handler_that_throws_gives_a_500) {
    serve([](const Request& request, const Reply&) {
        if (request.target == "/int") throw 1;
        throw std::runtime_error("no");
    });
    auto c = client();
    EXPECT_EQ(c.get("/").status, 500);
    EXPECT_EQ(c.get("/int").status, 500);
}

TEST_F(Replies, after_the_client_reset_are_harmless) {
    Deferred deferred;
    serve(deferred.handler());
    auto c = client();
    c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    auto reply = deferred.take().second;
    c.abort();
    EXPECT_TRUE(all_closed());  // long before the reply
    std::thread([&] { reply(text("anyone?")); }).join();
}

TEST_F(Replies, after_the_client_closed_are_harmless) {
    Deferred deferred;
    serve(deferred.handler());
    auto c = client();
    c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    auto reply = deferred.take().second;
    c.close();
    std::thread([&] { reply(text("anyone?")); }).join();
    EXPECT_TRUE(all_closed());
}

TEST_F(Replies, after_the_server_stopped_or_went_are_harmless) {
    Deferred deferred;
    serve(deferred.handler());
    auto a = client();
    auto b = client();
    a.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    auto first = deferred.take().second;
    b.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    auto second = deferred.take().second;
    server->stop(0);
    first(text("late"));
    server.reset();
    second(text("later"));
    EXPECT_TRUE(a.ended());
}

TEST_F(Replies, their_headers_go_out) {
    serve([](const Request&, const Reply& reply) {
        auto response = text("x", 418);
        response.headers = {{"X-Amzn-RequestId", "7"}, {"X-Tab", "a\tb"}, {"X-Latin", "\xe9"}};
        reply(std::move(response));
    });
    auto c = client();
    auto answer = c.get("/");
    EXPECT_EQ(answer.status, 418);
    EXPECT_EQ(answer.headers["x-amzn-requestid"], "7");
    EXPECT_EQ(answer.headers["x-tab"], "a\tb");
    EXPECT_EQ(answer.headers["x-latin"], "\xe9");
}

TEST_F(Replies, framing_headers_are_the_servers_own) {
    serve([](const Request&, const Reply& reply) {
        auto response = text("four");
        response.headers = {{"Content-Length", "99"},
                            {"transfer-encoding", "chunked"},
                            {"Connection", "upgrade"},
                            {"Date", "yesterday"},
                            {"SERVER", "apache"}};
        reply(std::move(response));
    });
    auto c = client();
    auto answer = c.get("/");
    EXPECT_EQ(answer.body, "four");
    EXPECT_EQ(answer.headers["server"], "lodge");
    EXPECT_FALSE(answer.headers.contains("transfer-encoding"));
    EXPECT_FALSE(answer.headers.contains("connection"));
    EXPECT_EQ(c.get("/").body, "four");
}

TEST_F(Replies, unfit_headers_turn_them_into_a_500) {
    const std::pair<std::string, std::string> unfit[] = {{"X", "a\r\nSet-Cookie: evil"},
                                                         {"X", "a\nb"},
                                                         {"X", "a\rb"},
                                                         {"X", std::string("a\0b", 3)},
                                                         {"X", "\x7f"},
                                                         {"X\r\nY", "v"},
                                                         {"", "v"},
                                                         {"X Y", "v"},
                                                         {"X:", "v"},
                                                         {"X\xe9", "v"}};
    serve([&](const Request& request, const Reply& reply) {
        auto response = text("x");
        auto which = std::stoul(request.target.substr(1));
        if (which < std::size(unfit)) response.headers = {unfit[which]};
        if (which == 100) response.content_type = "text/plain\r\nSet-Cookie: evil";
        if (which == 101) response.status = 99;
        if (which == 102) response.status = 600;
        if (which == 103) response.status = 101;
        reply(std::move(response));
    });
    auto c = client();
    std::vector<std::size_t> all = {100, 101, 102, 103};
    for (std::size_t i = 0; i < std::size(unfit); ++i) all.push_back(i);
    for (auto which : all) {
        auto answer = c.get("/" + std::to_string(which));
        EXPECT_EQ(answer.status, 500) << which;
        EXPECT_FALSE(answer.headers.contains("set-cookie")) << which;
    }
    EXPECT_EQ(c.get("/200").status, 200);
}

// Many clients, several I/O threads, answers inline and from a pool of foreign threads: for the sanitizers.
TEST_F(Replies, many_at_once) {
    Deferred deferred;
    auto later = deferred.handler();
    Config config;
    config.threads = 3;
    serve(
        [&](Request request, Reply reply) {
            if (request.target == "/later") return later(std::move(request), std::move(reply));
            echo(std::move(request), reply);
        },
        std::move(config));
    constexpr int clients = 6;
    constexpr int each = 40;
    std::vector<std::thread> threads;
    std::atomic<int> good = 0;
    for (int i = 0; i < clients; ++i)
        threads.emplace_back([&] {
            Client c(server->port());
            for (int n = 0; n < each; ++n) {
                good += c.get("/now").status == 200;
                good += c.get("/later").status == 200;
            }
        });
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < clients * each / 2; ++n) deferred.take().second(text("x"));
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(good, 2 * clients * each);
    EXPECT_EQ(server->total_requests(), static_cast<std::uint64_t>(2 * clients * each));
    EXPECT_TRUE(all_closed());
}

}  // namespace
}  // namespace lodge::http
