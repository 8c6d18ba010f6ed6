#include <curl/curl.h>

#include "proto/pki/pki.h"
#include "tests/unit/http/fixture.h"

namespace lodge::http {
namespace {

struct Outcome {
    CURLcode code = CURLE_OK;
    long status = 0;
    std::string body;
};

// A client that knows the server's authority and, if told, has a certificate of its own.
class Curl {
  public:
    Curl(std::uint16_t port, const std::filesystem::path& ca) : handle_(curl_easy_init()) {
        set(CURLOPT_URL, ("https://127.0.0.1:" + std::to_string(port) + "/path").c_str());
        set(CURLOPT_CAINFO, ca.c_str());
        set(CURLOPT_TIMEOUT, 10L);
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_NOPROXY, "*");
        set(CURLOPT_WRITEFUNCTION, &Curl::collect);
        set(CURLOPT_WRITEDATA, &body_);
    }
    ~Curl() { curl_easy_cleanup(handle_); }
    Curl(const Curl&) = delete;
    Curl& operator=(const Curl&) = delete;

    template <class T>
    Curl& set(CURLoption option, T value) {
        curl_easy_setopt(handle_, option, value);
        return *this;
    }
    Curl& present(const std::filesystem::path& certificate, const std::filesystem::path& key) {
        return set(CURLOPT_SSLCERT, certificate.c_str()).set(CURLOPT_SSLKEY, key.c_str());
    }
    Outcome get() {
        Outcome out;
        body_.clear();
        out.code = curl_easy_perform(handle_);
        curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &out.status);
        out.body = body_;
        return out;
    }
    Outcome post(const std::string& body) {
        set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size())).set(CURLOPT_POSTFIELDS, body.data());
        return get();
    }

  private:
    static std::size_t collect(const char* data, std::size_t one, std::size_t size, void* out) {
        static_cast<std::string*>(out)->append(data, size);
        return one * size;
    }
    CURL* handle_;
    std::string body_;
};

class TlsTest : public HttpTest {
  protected:
    void SetUp() override {
        dir.write("ca.pem", ours.certificate_pem);
        dir.write("server.key", server_key);
        dir.write("server.pem", sign_server(ours, server_key));
        make_client("agent", ours);
        make_client("foreign", pki::make_authority("Another", validity, random).value());
    }

    std::string sign_server(const pki::Authority& authority, const std::string& key) {
        return pki::sign_server(authority, "lodged", {"127.0.0.1"}, key, validity, random).value();
    }
    void make_client(const std::string& name, const pki::Authority& authority) {
        auto key = pki::generate_private_key_pem().value();
        auto csr = pki::make_request_pem(key, "anyone").value();
        dir.write(name + ".key", key);
        dir.write(name + ".pem",
                  pki::sign_client_request(authority, csr, "h-" + name, validity, random).value());
    }
    Config config(bool ask, bool require) const {
        Config out;
        out.tls = Tls{.certificate_chain_file = dir / "server.pem",
                      .private_key_file = dir / "server.key",
                      .client_ca_file = ask ? std::optional(dir / "ca.pem") : std::nullopt,
                      .require_client_certificate = require};
        return out;
    }
    // Answers with what the handshake told of the client.
    void serve_identity(bool ask, bool require) {
        serve([](const Request& request,
                 const Reply& reply) { reply(text(request.client_certificate_sha256)); },
              config(ask, require));
    }
    Outcome get_as(const std::string& name) {
        Curl curl(server->port(), dir / "ca.pem");
        return curl.present(dir / (name + ".pem"), dir / (name + ".key")).get();
    }
    std::string agent() const {
        std::ifstream file(dir / "agent.pem");
        std::string pem((std::istreambuf_iterator<char>(file)), {});
        return pki::fingerprint_sha256(pem).value();
    }

    SystemRandom random;
    const pki::Validity validity{SystemClock().now_ms(), 1};
    const pki::Authority ours = pki::make_authority("Lodge", validity, random).value();
    const std::string server_key = pki::generate_private_key_pem().value();
    TempDir dir;
};

TEST_F(TlsTest, serves_and_keeps_the_connection) {
    Config c = config(false, false);
    c.limits.body_bytes = 4 * 1024 * 1024;
    serve([](Request request, const Reply& reply) { reply(text(std::move(request.body))); }, std::move(c));
    Curl curl(server->port(), dir / "ca.pem");
    for (std::size_t size :
         {0, 1, 16384, 16385, 300'000, 3'000'000}) {  // the last ones with Expect: 100-continue
        std::string body(size, 'x');
        auto out = curl.post(body);
        EXPECT_EQ(out.code, CURLE_OK) << size;
        EXPECT_TRUE(out.body == body) << size;
    }
    EXPECT_EQ(server->total_connections(), 1U);
}

TEST_F(TlsTest, sends_files) {
    const std::string content(1'000'000, 'f');
    auto path = dir.write("file", content);
    serve(
        [&](const Request&, const Reply& reply) {
            Response response;
            response.file = path;
            reply(std::move(response));
        },
        config(false, false));
    Curl curl(server->port(), dir / "ca.pem");
    EXPECT_TRUE(curl.get().body == content);
    EXPECT_EQ(curl.set(CURLOPT_RANGE, "10-19").get().body.size(), 10U);
}

TEST_F(TlsTest, speaks_1_2_and_1_3_only) {
    serve(echo, config(false, false));
    for (auto [version, good] : {std::pair<long, bool>{CURL_SSLVERSION_MAX_TLSv1_1, false},
                                 {CURL_SSLVERSION_MAX_TLSv1_2, true},
                                 {CURL_SSLVERSION_TLSv1_3, true}}) {
        Curl curl(server->port(), dir / "ca.pem");
        EXPECT_EQ(curl.set(CURLOPT_SSLVERSION, version).get().code == CURLE_OK, good) << version;
    }
}

TEST_F(TlsTest, without_asking_nobody_is_known) {
    serve_identity(false, false);
    EXPECT_EQ(get_as("agent").body, "");
}

TEST_F(TlsTest, a_required_certificate_must_be_ours) {
    serve_identity(true, true);
    for (auto version : std::initializer_list<long>{CURL_SSLVERSION_MAX_TLSv1_2, CURL_SSLVERSION_TLSv1_3}) {
        Curl good(server->port(), dir / "ca.pem");
        good.set(CURLOPT_SSLVERSION, version).present(dir / "agent.pem", dir / "agent.key");
        EXPECT_EQ(good.get().body, agent());
        EXPECT_EQ(good.get().body, agent());
        Curl none(server->port(), dir / "ca.pem");
        EXPECT_NE(none.set(CURLOPT_SSLVERSION, version).get().code, CURLE_OK);
        Curl foreign(server->port(), dir / "ca.pem");
        foreign.set(CURLOPT_SSLVERSION, version).present(dir / "foreign.pem", dir / "foreign.key");
        EXPECT_NE(foreign.get().code, CURLE_OK);
    }
    EXPECT_EQ(server->total_requests(), 4U);
    EXPECT_TRUE(all_closed());
}

TEST_F(TlsTest, an_optional_certificate_may_be_missing_but_not_foreign) {
    serve_identity(true, false);
    EXPECT_EQ(Curl(server->port(), dir / "ca.pem").get().body, "");
    EXPECT_EQ(get_as("agent").body, agent());
    EXPECT_NE(get_as("foreign").code, CURLE_OK);
}

TEST_F(TlsTest, a_servers_certificate_does_not_make_a_client) {
    serve_identity(true, true);
    EXPECT_NE(get_as("server").code, CURLE_OK);
    EXPECT_EQ(server->total_requests(), 0U);
}

TEST_F(TlsTest, a_certificate_allows_larger_bodies) {
    auto c = config(true, false);
    c.limits.body_bytes = 100'000;
    c.limits.anonymous_body_bytes = 1'000;
    serve([](Request request, const Reply& reply) { reply(text(std::move(request.body))); }, std::move(c));
    Curl anonymous(server->port(), dir / "ca.pem");
    EXPECT_EQ(anonymous.post(std::string(1'000, 'x')).status, 200);
    EXPECT_EQ(anonymous.post(std::string(1'001, 'x')).status, 413);
    Curl known(server->port(), dir / "ca.pem");
    known.present(dir / "agent.pem", dir / "agent.key");
    EXPECT_EQ(known.post(std::string(100'000, 'x')).status, 200);
}

TEST_F(TlsTest, resumption_does_not_skip_the_certificate) {
    serve_identity(true, true);
    for (int i = 0; i < 2; ++i) {
        Curl curl(server->port(), dir / "ca.pem");
        curl.set(CURLOPT_FORBID_REUSE, 1L).present(dir / "agent.pem", dir / "agent.key");
        EXPECT_EQ(curl.get().body, agent());
        EXPECT_EQ(curl.get().body, agent());
    }
    EXPECT_EQ(server->total_connections(), 4U);
}

TEST_F(TlsTest, a_handshake_has_a_deadline) {
    serve(echo, config(false, false));
    auto silent = client();
    auto half = client();
    half.send("\x16\x03\x01");
    EXPECT_TRUE(eventually([this] { return server->open_connections() == 2; }));
    EXPECT_TRUE(eventually([this] {
        clock.advance_ms(10'000);
        return server->open_connections() == 0;
    }));
    EXPECT_TRUE(silent.ended());
    EXPECT_TRUE(half.ended());
}

TEST_F(TlsTest, what_is_not_tls_is_closed) {
    serve([](const Request&, const Reply&) { FAIL(); }, config(false, false));
    auto c = client();
    c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    c.read_all();
    EXPECT_TRUE(all_closed());
}

TEST_F(TlsTest, a_poller_that_goes_away_is_noticed_before_the_reply) {
    Deferred deferred;
    serve(deferred.handler(), config(true, true));
    Curl curl(server->port(), dir / "ca.pem");
    curl.present(dir / "agent.pem", dir / "agent.key");
    auto gone = +[](void* waiting, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
        return static_cast<Deferred*>(waiting)->count() > 0 ? 1 : 0;  // 1: give up
    };
    curl.set(CURLOPT_NOPROGRESS, 0L).set(CURLOPT_XFERINFOFUNCTION, gone).set(CURLOPT_XFERINFODATA, &deferred);
    EXPECT_EQ(curl.get().code, CURLE_ABORTED_BY_CALLBACK);
    EXPECT_TRUE(all_closed());
    auto reply = deferred.take().second;
    std::thread([&] { reply(text("anyone?")); }).join();
}

TEST_F(TlsTest, an_idle_connection_is_closed_by_stop_with_a_goodbye) {
    serve(echo, config(false, false));
    Curl curl(server->port(), dir / "ca.pem");
    EXPECT_EQ(curl.get().status, 200);
    server->stop(60'000);
    EXPECT_EQ(server->open_connections(), 0U);
    EXPECT_EQ(curl.get().code, CURLE_COULDNT_CONNECT);
}

TEST_F(TlsTest, too_many_connections_are_closed_before_the_handshake) {
    auto c = config(false, false);
    c.limits.max_connections = 1;
    serve(echo, std::move(c));
    Curl first(server->port(), dir / "ca.pem");
    EXPECT_EQ(first.get().status, 200);
    EXPECT_NE(Curl(server->port(), dir / "ca.pem").get().code, CURLE_OK);
    EXPECT_EQ(first.get().status, 200);
}

TEST_F(TlsTest, a_large_refused_body_still_gets_its_answer) {
    auto c = config(false, false);
    c.limits.body_bytes = 100;
    serve(echo, std::move(c));
    Curl curl(server->port(), dir / "ca.pem");
    EXPECT_EQ(curl.post(std::string(500'000, 'x')).status, 413);
}

TEST_F(TlsTest, start_names_the_file_that_does_not_fit) {
    auto message = [this](auto change) {
        auto c = config(true, true);
        change(*c.tls);
        auto started = Server::start(std::move(c), echo);
        return started ? "started" : started.error().message;
    };
    auto missing = dir / "missing";
    EXPECT_NE(message([&](Tls& tls) { tls.certificate_chain_file = missing; }).find(missing.string()),
              std::string::npos);
    EXPECT_NE(message([&](Tls& tls) { tls.private_key_file = missing; }).find(missing.string()),
              std::string::npos);
    EXPECT_NE(message([&](Tls& tls) { tls.client_ca_file = missing; }).find(missing.string()),
              std::string::npos);
    EXPECT_NE(message([&](Tls& tls) { tls.private_key_file = dir / "agent.key"; }).find("agent.key"),
              std::string::npos);
    EXPECT_NE(message([&](Tls& tls) { tls.client_ca_file.reset(); }).find("no authority"), std::string::npos);
}

TEST_F(TlsTest, descriptors_return) {
    serve_identity(true, true);
    get_as("agent");
    EXPECT_TRUE(all_closed());
    auto before = open_descriptors();
    for (int i = 0; i < 3; ++i) {
        get_as("agent");
        get_as("foreign");
        client().abort();
    }
    EXPECT_TRUE(eventually([this] { return server->total_connections() == 10; }));
    EXPECT_TRUE(all_closed());
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace lodge::http
