#include "tests/unit/http/fixture.h"

namespace lodge::http {
namespace {

class Malformed : public HttpTest, public ::testing::WithParamInterface<std::string> {
  protected:
    void SetUp() override {
        serve([](const Request& request, const Reply& reply) {
            ADD_FAILURE() << "it was handled: " << request.method << ' ' << request.target;
            reply({});
        });
    }
};

TEST_P(Malformed, is_a_400_and_the_end) {
    auto c = client();
    c.send(GetParam());
    auto answer = c.read_answer();
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.headers["connection"], "close");
    EXPECT_TRUE(c.ended());
}

// A line that ends in a bare LF is only seen for what it is when more follows; the rest decides how it ends.
TEST_P(Malformed, is_never_handled_when_it_drips) {
    auto c = client();
    c.drip(GetParam());
    c.shut_sending();
    auto status = c.read_answer().status;
    EXPECT_TRUE(status == 400 || status == 0) << status;
    EXPECT_TRUE(all_closed());
}

std::string get(const std::string& headers) {
    return "GET / HTTP/1.1\r\n" + headers + "\r\n";
}

std::string post(const std::string& headers, const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n" + body;
}

std::string chunks(const std::string& body) {
    return post("Transfer-Encoding: chunked\r\n", body);
}

const std::string with_nul_name("Host: h\r\nX\0Y: v\r\n", 17);
const std::string with_nul_value("Host: h\r\nX: a\0b\r\n", 17);

INSTANTIATE_TEST_SUITE_P(StartLine, Malformed,
                         ::testing::Values("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",  //
                                           "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",     //
                                           "GET / HTTP/1.1 \r\nHost: h\r\n\r\n",     //
                                           "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",   //
                                           "GET HTTP/1.1\r\nHost: h\r\n\r\n",        //
                                           " / HTTP/1.1\r\nHost: h\r\n\r\n",         //
                                           "G\x01T / HTTP/1.1\r\nHost: h\r\n\r\n",   //
                                           "GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n",  //
                                           std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28),
                                           "GET / HTTP/2.0\r\nHost: h\r\n\r\n",     //
                                           "GET / HTTP/1.2\r\nHost: h\r\n\r\n",     //
                                           "GET / HTTP/0.9\r\nHost: h\r\n\r\n",     //
                                           "GET / http/1.1\r\nHost: h\r\n\r\n",     //
                                           "GET / HTTP/11\r\nHost: h\r\n\r\n\r\n",  //
                                           "GET /\r\nHost: hhhhhhhhhh\r\n\r\n",     //
                                           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",      //
                                           std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)));

INSTANTIATE_TEST_SUITE_P(LineEnds, Malformed,
                         ::testing::Values("GET / HTTP/1.1\nHost: h\n\n",                  //
                                           "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",      //
                                           "GET / HTTP/1.1\r\nHost: h\r\nX: y\n\r\n\r\n",  //
                                           "GET / HTTP/1.1\r\nHost: h\r\nX: y\rZ: z\r\n\r\n",
                                           "GET / HTTP/1.1\rHost: h\r\n\r\n"));

INSTANTIATE_TEST_SUITE_P(Headers, Malformed,
                         ::testing::Values(get(""),                                         //
                                           get("Host: a\r\nHost: b\r\n"),                   //
                                           get("Host: h\r\nNo colon\r\n"),                  //
                                           get("Host: h\r\n: no name\r\n"),                 //
                                           get("Host : h\r\n"),                             //
                                           get(" Host: h\r\n"),                             //
                                           get("Host: h\r\nX Y: v\r\n"),                    //
                                           get("Host: h\r\nX\xc3\xa9: v\r\n"),              //
                                           get(with_nul_name), get(with_nul_value),         //
                                           get("Host: h\r\nX: a\x01\r\n"),                  //
                                           get("Host: h\r\nX: a\x7f\r\n"),                  //
                                           get("Host: h\r\nX: folded\r\n over lines\r\n"),  //
                                           get("Host: h\r\nX:\r\n\tfolded\r\n"),            //
                                           get("Host: h\r\nConnection: ,;\r\n")));

INSTANTIATE_TEST_SUITE_P(ContentLength, Malformed,
                         ::testing::Values(post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),   //
                                           post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"),  //
                                           post("Content-Length: 5, 5\r\n", "hello"),                     //
                                           post("Content-Length: 5,6\r\n", "hello!"),                     //
                                           post("Content-Length: -5\r\n", "hello"),                       //
                                           post("Content-Length: +5\r\n", "hello"),                       //
                                           post("Content-Length: 0x5\r\n", "hello"),                      //
                                           post("Content-Length: 5 5\r\n", "hello"),                      //
                                           post("Content-Length: 5;\r\n", "hello"),                       //
                                           post("Content-Length: \"5\"\r\n", "hello"),                    //
                                           post("Content-Length:\r\n", "hello"),                          //
                                           post("Content-Length : 5\r\n", "hello"),                       //
                                           post("Content-Length: 18446744073709551616\r\n", "hello"),     //
                                           post("Content-Length: 99999999999999999999999\r\n", "hello")));

INSTANTIATE_TEST_SUITE_P(
    TransferEncoding, Malformed,
    ::testing::Values(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),  //
                      post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),  //
                      post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "hello"),         //
                      post("Content-Length: 5\r\nTransfer-Encoding: identity\r\n", "hello"),     //
                      post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
                      post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
                      post("Transfer-Encoding: gzip\r\n", ""),                       //
                      post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),     //
                      post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"),     //
                      post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),  //
                      post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),          //
                      post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"),       //
                      post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"),       //
                      post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),       //
                      post("Transfer-Encoding:\r\n \r\n", "0\r\n\r\n"),              //
                      post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"),         //
                      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));

INSTANTIATE_TEST_SUITE_P(Chunks, Malformed,
                         ::testing::Values(chunks("\r\n\r\n\r\n"),               //
                                           chunks("g\r\nhello\r\n0\r\n\r\n"),    //
                                           chunks("-1\r\nhello\r\n0\r\n\r\n"),   //
                                           chunks("+5\r\nhello\r\n0\r\n\r\n"),   //
                                           chunks("0x5\r\nhello\r\n0\r\n\r\n"),  //
                                           chunks(" 5\r\nhello\r\n0\r\n\r\n"),   //
                                           chunks("5 \r\nhello\r\n0\r\n\r\n"),   //
                                           chunks("5 5\r\nhello\r\n0\r\n\r\n"),  //
                                           chunks("10000000000000000\r\nhello\r\n0\r\n\r\n"),
                                           chunks("fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
                                           chunks("5\r\nhello!\r\n0\r\n\r\n"),             //
                                           chunks("5\r\nhell\r\n0\r\n\r\n"),               //
                                           chunks("5\r\nhello\n0\r\n\r\n"),                //
                                           chunks("5\rhello\r\n0\r\n\r\n"),                //
                                           chunks("5;=\r\nhello\r\n0\r\n\r\n"),            //
                                           chunks("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"),     //
                                           chunks("5\r\nhello\r\n0\r\nno colon\r\n\r\n"),  //
                                           chunks("5\r\nhello\r\n0\r\nX: a\n\r\n\r\n"),    //
                                           chunks("5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"),
                                           chunks("5\r\nhello\r\n0\r\nX: a\r\n folded\r\n\r\n")));

using AfterMalformed = HttpTest;

TEST_F(AfterMalformed, what_follows_a_refused_request_is_not_handled) {
    std::atomic<int> handled = 0;
    serve([&](const Request&, const Reply& reply) {
        ++handled;
        reply({});
    });
    auto c = client();
    c.send(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") + get("Host: h\r\n"));
    EXPECT_EQ(c.read_answer().status, 400);
    EXPECT_TRUE(c.ended());
    EXPECT_EQ(handled, 0);
}

TEST_F(AfterMalformed, the_owner_renders_the_error) {
    Config config;
    config.render_error = [](int status, std::string_view reason) {
        Response response;
        response.content_type = "text/xml";
        response.body = "<Error>" + std::to_string(status) + ' ' + std::string(reason) + "</Error>";
        return response;
    };
    serve(echo, std::move(config));
    auto c = client();
    c.send(get(""));
    auto answer = c.read_answer();
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.headers["content-type"], "text/xml");
    EXPECT_EQ(answer.body, "<Error>400 The request needs one Host header.</Error>");
}

TEST_F(AfterMalformed, an_owner_who_throws_gets_the_plain_error) {
    Config config;
    config.render_error = [](int, std::string_view) -> Response { throw std::runtime_error("out of ink"); };
    serve(echo, std::move(config));
    auto c = client();
    c.send(get(""));
    EXPECT_EQ(c.read_answer().body, "The request needs one Host header.\n");
}

}  // namespace
}  // namespace lodge::http
