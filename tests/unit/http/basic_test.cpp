#include "tests/unit/http/fixture.h"

namespace lodge::http {
namespace {

using Basic = HttpTest;

TEST_F(Basic, answers_with_its_own_headers) {
    serve(echo);
    auto c = client();
    auto answer = c.get("/path?a=b%20c");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "GET /path?a=b%20c ");
    EXPECT_EQ(answer.headers["server"], "lodge");
    EXPECT_EQ(answer.headers["content-type"], "text/plain");
    EXPECT_EQ(answer.headers["date"], "Mon, 21 Sep 2026 14:13:20 GMT");
    EXPECT_FALSE(answer.headers.contains("connection"));
}

TEST_F(Basic, the_date_moves_with_the_clock) {
    serve(echo);
    auto c = client();
    c.get("/");
    clock.advance_ms(59'000);
    EXPECT_EQ(c.get("/").headers["date"], "Mon, 21 Sep 2026 14:14:19 GMT");
}

TEST_F(Basic, a_request_is_passed_as_it_came) {
    Request seen;
    serve([&](Request request, const Reply& reply) {
        seen = std::move(request);
        reply({});
    });
    auto c = client();
    c.send(
        "POST //a/../b?x=1&x=2#f HTTP/1.1\r\nHost: h\r\nX-Two:  b c \t\r\nx-two: second\r\nX-Empty:\r\n"
        "X-Latin: \xe9\r\nContent-Length: 3\r\n\r\n");
    c.send(std::string_view("a\0b", 3));
    EXPECT_EQ(c.read_answer().status, 200);
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.target, "//a/../b?x=1&x=2#f");
    EXPECT_EQ(seen.body, std::string("a\0b", 3));
    EXPECT_EQ(seen.peer_address, "127.0.0.1");
    EXPECT_EQ(seen.client_certificate_sha256, "");
    const Headers headers = {{"Host", "h"},   {"X-Two", "b c"},    {"x-two", "second"},
                             {"X-Empty", ""}, {"X-Latin", "\xe9"}, {"Content-Length", "3"}};
    EXPECT_EQ(seen.headers, headers);
    ASSERT_NE(seen.header("X-TWO"), nullptr);
    EXPECT_EQ(*seen.header("X-TWO"), "b c");
    EXPECT_EQ(seen.header("X-Three"), nullptr);
}

TEST_F(Basic, a_connection_is_kept) {
    serve(echo);
    auto c = client();
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(c.get("/" + std::to_string(i)).body, "GET /" + std::to_string(i) + ' ');
        EXPECT_EQ(c.post("/p", "body").body, "POST /p body");
    }
    EXPECT_EQ(server->total_connections(), 1U);
    EXPECT_EQ(server->total_requests(), 10U);
    EXPECT_EQ(server->open_connections(), 1U);
    c.close();
    EXPECT_TRUE(all_closed());
}

TEST_F(Basic, connection_close_is_honoured) {
    serve(echo);
    auto c = client();
    auto answer = c.get("/", "Connection: close\r\n");
    EXPECT_EQ(answer.headers["connection"], "close");
    EXPECT_TRUE(c.ended());
}

TEST_F(Basic, the_handler_can_close) {
    serve([](const Request&, const Reply& reply) {
        auto response = text("bye");
        response.close = true;
        reply(std::move(response));
    });
    auto c = client();
    EXPECT_EQ(c.get("/").headers["connection"], "close");
    EXPECT_TRUE(c.ended());
}

TEST_F(Basic, http_1_0_closes_unless_asked) {
    serve(echo);
    auto closing = client();
    closing.send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(closing.read_answer().headers["connection"], "close");
    EXPECT_TRUE(closing.ended());
    auto kept = client();
    kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(kept.read_answer().headers["connection"], "keep-alive");
    EXPECT_EQ(kept.get("/again").status, 200);
}

TEST_F(Basic, head_has_the_length_but_no_body) {
    serve(echo);
    auto c = client();
    c.send("HEAD /four HTTP/1.1\r\nHost: h\r\n\r\n");
    auto answer = c.read_answer(true);
    EXPECT_EQ(answer.headers["content-length"], "11");
    EXPECT_EQ(c.get("/next").body, "GET /next ");
}

TEST_F(Basic, no_content_has_neither_length_nor_body) {
    serve([](const Request& request, const Reply& reply) {
        reply(text("stray", request.target == "/204" ? 204 : request.target == "/304" ? 304 : 200));
    });
    auto c = client();
    for (auto target : {"/204", "/304"}) {
        auto answer = c.get(target);
        EXPECT_EQ("/" + std::to_string(answer.status), target);
        EXPECT_FALSE(answer.headers.contains("content-length"));
    }
    EXPECT_EQ(c.get("/").body, "stray");
}

TEST_F(Basic, bodies_of_all_sizes_go_both_ways) {
    Config config;
    config.limits.body_bytes = 4 * 1024 * 1024;
    serve([](Request request, const Reply& reply) { reply(text(std::move(request.body))); },
          std::move(config));
    auto c = client();
    for (std::size_t size : {0, 1, 4095, 4096, 16384, 16385, 65536, 262144, 262145, 3'000'000}) {
        std::string body(size, 'x');
        for (std::size_t i = 0; i < size; i += 97) body[i] = static_cast<char>('a' + i % 26);
        EXPECT_TRUE(c.post("/", body).body == body) << size;
    }
}

TEST_F(Basic, pipelined_requests_are_answered_in_order) {
    serve(echo);
    auto c = client();
    std::string all;
    for (int i = 0; i < 50; ++i)
        all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody";
    c.send(all);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(c.read_answer().body, "POST /" + std::to_string(i) + " body");
}

TEST_F(Basic, a_pipelined_request_waits_for_the_answer_before_it) {
    Deferred deferred;
    serve(deferred.handler());
    auto c = client();
    c.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTT");
    auto [first, reply_first] = deferred.take();
    c.send("P/1.1\r\nHost: h\r\n\r\n");  // comes in while the first is being handled
    EXPECT_EQ(first.target, "/1");
    EXPECT_EQ(deferred.count(), 0U);
    std::thread([reply = std::move(reply_first)] { reply(text("one")); }).join();
    auto [second, reply_second] = deferred.take();
    EXPECT_EQ(second.target, "/2");
    reply_second(text("two"));
    auto [third, reply_third] = deferred.take();
    EXPECT_EQ(third.target, "/3");
    reply_third(text("three"));
    for (auto body : {"one", "two", "three"}) EXPECT_EQ(c.read_answer().body, body);
}

TEST_F(Basic, requests_may_come_byte_by_byte) {
    serve(echo);
    auto c = client();
    c.drip("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(c.read_answer().body, "POST /a hello");
    c.drip("GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(c.read_answer().body, "GET /b ");
}

constexpr std::string_view chunked_head = "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST_F(Basic, chunked_bodies_are_put_together) {
    serve(echo);
    auto c = client();
    for (std::string_view body : {"5\r\nhello\r\n0\r\n\r\n", "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",
                                  "005;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n",
                                  "5\r\nhello\r\n0\r\nX-Trailer: t\r\nHost: evil\r\n\r\n"}) {
        c.send(chunked_head);
        c.send(body);
        EXPECT_EQ(c.read_answer().body, "POST /c hello") << body;
        c.drip(chunked_head);
        c.drip(body);
        EXPECT_EQ(c.read_answer().body, "POST /c hello") << body;
    }
    c.drip(chunked_head);
    c.drip("0\r\n\r\n");
    EXPECT_EQ(c.read_answer().body, "POST /c ");
}

TEST_F(Basic, trailers_do_not_become_headers) {
    Request seen;
    serve([&](Request request, const Reply& reply) {
        seen = std::move(request);
        reply({});
    });
    auto c = client();
    c.send(std::string(chunked_head) + "1\r\nx\r\n0\r\nAuthorization: forged\r\n\r\n");
    c.read_answer();
    EXPECT_EQ(seen.header("Authorization"), nullptr);
    EXPECT_EQ(seen.headers.size(), 2U);
}

TEST_F(Basic, expect_100_continue_is_answered_before_the_body) {
    serve(echo);
    auto c = client();
    constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
    for (int i = 0; i < 2; ++i) {
        c.send("POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        EXPECT_EQ(c.read_bytes(line.size()), line);
        c.send("hello");
        EXPECT_EQ(c.read_answer().body, "POST /e hello");
    }
}

TEST_F(Basic, expect_is_not_answered_when_the_body_is_there_or_unwanted) {
    serve(echo);
    auto c = client();
    c.send("POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
    EXPECT_EQ(c.read_answer().body, "POST /e hello");
    c.send("POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(c.read_answer().status, 413);
}

TEST_F(Basic, other_expectations_fail) {
    serve(echo);
    auto c = client();
    EXPECT_EQ(c.get("/", "Expect: miracles\r\n").status, 417);
    EXPECT_TRUE(c.ended());
}

TEST_F(Basic, a_client_that_shut_its_sending_side_gets_its_answer) {
    Deferred deferred;
    serve(deferred.handler());
    auto c = client();
    c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    c.shut_sending();
    for (int i = 0; i < 2; ++i) {
        deferred.take().second(text("still there"));
        EXPECT_EQ(c.read_answer().body, "still there");
    }
    EXPECT_TRUE(c.ended());
    EXPECT_TRUE(all_closed());
}

TEST_F(Basic, half_a_request_and_an_end_is_no_request) {
    serve([](const Request&, const Reply&) { FAIL(); });
    for (std::string_view part :
         {"", "G", "GET / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel",
          "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
        auto c = client();
        c.send(part);
        c.shut_sending();
        EXPECT_TRUE(c.ended()) << part;
    }
    EXPECT_TRUE(all_closed());
}

}  // namespace
}  // namespace lodge::http
