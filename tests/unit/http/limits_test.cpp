#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "tests/unit/http/fixture.h"

namespace lodge::http {
namespace {

class LimitsTest : public HttpTest {
  protected:
    void serve_with(const Limits& limits) {
        Config config;
        config.limits = limits;
        serve(echo, std::move(config));
    }
};

TEST_F(LimitsTest, a_header_up_to_the_limit_passes_and_not_a_byte_more) {
    serve_with({.header_bytes = 1000});
    const std::string begin = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
    auto fill = 1000 - begin.size() - 4;
    for (auto drip : {false, true}) {
        auto c = client();
        auto send = [&](const std::string& all) { drip ? c.drip(all) : c.send(all); };
        send(begin + std::string(fill, 'x') + "\r\n\r\n");
        EXPECT_EQ(c.read_answer().status, 200);
        send(begin + std::string(fill + 1, 'x') + "\r\n\r\n");
        EXPECT_EQ(c.read_answer().status, 431);
        EXPECT_TRUE(c.ended());
    }
}

TEST_F(LimitsTest, an_endless_request_line_or_header_is_a_431) {
    serve_with({.header_bytes = 1000});
    for (std::string begin : {"GET /", "GET / HTTP/1.1\r\nHost: h\r\nX: "}) {
        auto c = client();
        c.send(begin + std::string(5000, 'a'));
        EXPECT_EQ(c.read_answer().status, 431);
        EXPECT_TRUE(c.ended());
    }
}

TEST_F(LimitsTest, many_short_headers_count_together) {
    serve_with({.header_bytes = 1000, .header_count = 10'000});
    auto c = client();
    c.send("GET / HTTP/1.1\r\nHost: h\r\n");
    for (int i = 0; i < 200; ++i) c.send("X: y\r\n");
    EXPECT_EQ(c.read_answer().status, 431);
}

TEST_F(LimitsTest, the_number_of_headers_is_limited) {
    serve_with({.header_count = 10});
    auto c = client();
    std::string nine;
    for (int i = 0; i < 9; ++i) nine += "X: y\r\n";
    EXPECT_EQ(c.get("/", nine).status, 200);
    EXPECT_EQ(c.get("/", nine + "X: y\r\n").status, 431);
    EXPECT_TRUE(c.ended());
}

TEST_F(LimitsTest, a_body_up_to_the_limit_passes_and_not_a_byte_more) {
    serve_with({.body_bytes = 100});
    auto c = client();
    EXPECT_EQ(c.post("/", std::string(100, 'x')).status, 200);
    EXPECT_EQ(c.post("/", std::string(101, 'x')).status, 413);
    EXPECT_TRUE(c.ended());
}

TEST_F(LimitsTest, who_shows_no_certificate_may_send_less) {
    serve_with({.body_bytes = 100, .anonymous_body_bytes = 50});
    auto c = client();
    EXPECT_EQ(c.post("/", std::string(50, 'x')).status, 200);
    EXPECT_EQ(c.post("/", std::string(51, 'x')).status, 413);
}

TEST_F(LimitsTest, all_large_bodies_together_are_limited_and_small_ones_pass) {
    Deferred deferred;
    Config config;
    config.limits.all_bodies_bytes = 150'000;
    serve(deferred.handler(), std::move(config));
    auto head = [](std::size_t size) {
        return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
    };
    auto handled = client();
    handled.send(head(100'000) + std::string(100'000, 'x'));
    auto [request, reply] = deferred.take();
    auto second = client();
    EXPECT_EQ(second.post("/", std::string(100'000, 'x')).status, 503);
    EXPECT_TRUE(second.ended());
    auto small = client();
    small.send(head(10'000) + std::string(10'000, 'x'));
    deferred.take().second(text("small"));
    EXPECT_EQ(small.read_answer().body, "small");
    reply(text("large"));
    EXPECT_EQ(handled.read_answer().body, "large");
    handled.send(head(100'000) + std::string(100'000, 'x'));
    deferred.take().second(text("again"));
    EXPECT_EQ(handled.read_answer().body, "again");
}

TEST_F(LimitsTest, a_client_that_leaves_gives_back_what_its_body_held) {
    serve_with({.all_bodies_bytes = 150'000});
    auto status = [this] { return client().post("/", std::string(100'000, 'x')).status; };
    auto half = client();
    half.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + std::string(90'000, 'x'));
    EXPECT_TRUE(eventually([&] { return status() == 503; }));
    half.abort();
    EXPECT_TRUE(eventually([&] { return status() == 200; }));
}

TEST_F(LimitsTest, the_answer_to_a_large_body_is_read_although_the_body_goes_on) {
    serve_with({.body_bytes = 100});
    auto c = client();
    EXPECT_EQ(c.post("/", std::string(3'000'000, 'x')).status, 413);
    EXPECT_TRUE(c.ended());
}

TEST_F(LimitsTest, chunks_are_added_up) {
    serve_with({.body_bytes = 100});
    const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string fifty = "32\r\n" + std::string(50, 'x') + "\r\n";
    auto c = client();
    c.send(head + fifty + fifty + "0\r\n\r\n");
    EXPECT_EQ(c.read_answer().status, 200);
    c.send(head + fifty + fifty + "1\r\nx\r\n0\r\n\r\n");
    EXPECT_EQ(c.read_answer().status, 413);
    EXPECT_TRUE(c.ended());
    auto huge = client();
    huge.send(head + "ffffffffffffffff\r\nhello");
    EXPECT_EQ(huge.read_answer().status, 413);
}

TEST_F(LimitsTest, an_endless_chunk_header_or_trailer_is_refused) {
    serve_with({.header_bytes = 1000});
    for (std::string begin : {"5;", "0\r\nX: "}) {
        auto c = client();
        c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + begin);
        c.send(std::string(200'000, 'a'));
        EXPECT_EQ(c.read_answer().status, 400);
        EXPECT_TRUE(c.ended());
    }
}

TEST_F(LimitsTest, a_silent_client_is_closed_without_a_word) {
    serve_with({.header_timeout_ms = 1000});
    auto c = client();
    settle();
    clock.advance_ms(1000);
    EXPECT_TRUE(c.ended());
}

TEST_F(LimitsTest, a_dripping_header_is_a_408_at_the_deadline) {
    serve_with({.header_timeout_ms = 1000});
    auto c = client();
    c.send("GET / HT");
    settle();
    clock.advance_ms(600);
    c.send("TP/1.1\r\nHost: h\r\n");
    settle();
    clock.advance_ms(600);
    auto answer = c.read_answer();
    EXPECT_EQ(answer.status, 408);
    EXPECT_EQ(answer.headers["connection"], "close");
    EXPECT_TRUE(c.ended());
}

TEST_F(LimitsTest, a_dripping_body_is_a_408_at_the_deadline) {
    serve_with({.body_timeout_ms = 1000});
    auto c = client();
    c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
    for (int i = 0; i < 3; ++i) {
        settle();
        clock.advance_ms(400);
        c.send("drip");
    }
    EXPECT_EQ(c.read_answer().status, 408);
    EXPECT_TRUE(c.ended());
}

TEST_F(LimitsTest, a_client_that_never_sends_the_body_it_was_told_to) {
    serve_with({.body_timeout_ms = 1000});
    auto c = client();
    c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n");
    c.read_bytes(25);
    settle();
    clock.advance_ms(1000);
    EXPECT_EQ(c.read_answer().status, 408);
}

TEST_F(LimitsTest, an_idle_connection_is_closed) {
    serve_with({.idle_timeout_ms = 1000});
    auto c = client();
    c.get("/");
    settle();
    clock.advance_ms(1000);
    EXPECT_TRUE(c.ended());
    EXPECT_TRUE(all_closed());
}

TEST_F(LimitsTest, a_handler_has_no_deadline) {
    Deferred deferred;
    serve(deferred.handler());
    auto c = client();
    c.send("GET /poll HTTP/1.1\r\nHost: h\r\n\r\n");
    auto reply = deferred.take().second;
    clock.advance_ms(24 * 60 * 60 * 1000);
    std::this_thread::sleep_for(std::chrono::milliseconds(150));  // a look at the deadlines must have come by
    reply(text("at last"));
    EXPECT_EQ(c.read_answer().body, "at last");
}

TEST_F(LimitsTest, a_client_that_does_not_read_is_closed) {
    Config config;
    config.limits.write_timeout_ms = 1000;
    serve([](const Request&, const Reply& reply) { reply(text(std::string(32 * 1024 * 1024, 'x'))); },
          std::move(config));
    Client c(server->port(), 4096);
    c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(eventually([this] { return server->total_requests() == 1; }));
    EXPECT_TRUE(eventually([this] {
        clock.advance_ms(1000);
        return server->open_connections() == 0;
    }));
}

TEST_F(LimitsTest, a_client_that_does_not_close_after_the_last_answer_is_closed) {
    serve_with({});
    auto c = client();
    c.get("/", "Connection: close\r\n");
    EXPECT_TRUE(c.ended());
    EXPECT_TRUE(eventually([this] {
        clock.advance_ms(1000);
        return server->open_connections() == 0;
    }));
}

TEST_F(LimitsTest, too_many_connections_are_told_so) {
    serve_with({.max_connections = 2});
    auto a = client();
    auto b = client();
    a.get("/");
    b.get("/");
    auto c = client();
    auto answer = c.read_answer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.headers["connection"], "close");
    EXPECT_TRUE(c.ended());
    c.close();
    a.close();
    EXPECT_TRUE(eventually([this] { return server->open_connections() == 1; }));
    auto d = client();
    EXPECT_EQ(d.get("/").status, 200);
}

// The client gets the last descriptor; the server has none to accept it with, until there are more again.
TEST_F(LimitsTest, running_out_of_descriptors_is_survived) {
    serve_with({});
    settle();
    EXPECT_TRUE(all_closed());
    spdlog::set_level(spdlog::level::off);  // to log, UBSan's look at fmt's types needs a descriptor
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    int next = ::dup(0);
    ::close(next);
    rlimit tight{static_cast<rlim_t>(next) + 1, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
    auto c = client();
    c.send("GET /patience HTTP/1.1\r\nHost: h\r\n\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(server->total_connections(), 1U);
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(c.read_answer().body, "GET /patience ");
    spdlog::set_level(spdlog::level::info);
}

TEST_F(LimitsTest, a_connection_serves_only_so_many_requests) {
    serve_with({.max_requests_per_connection = 2});
    auto c = client();
    EXPECT_FALSE(c.get("/").headers.contains("connection"));
    EXPECT_EQ(c.get("/").headers["connection"], "close");
    EXPECT_TRUE(c.ended());
}

}  // namespace
}  // namespace lodge::http
