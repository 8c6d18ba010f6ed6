#include <sys/stat.h>

#include <future>

#include "tests/unit/http/fixture.h"

namespace lodge::http {
namespace {

using Stop = HttpTest;

TEST_F(Stop, lets_running_requests_finish_and_closes_idle_connections) {
    Deferred deferred;
    serve([handler = deferred.handler()](Request request, Reply reply) {
        if (request.target == "/settle") return echo(std::move(request), reply);
        handler(std::move(request), std::move(reply));
    });
    auto idle = client();
    idle.get("/settle");
    auto fresh = client();
    auto busy = client();
    busy.send("GET /poll HTTP/1.1\r\nHost: h\r\n\r\n");
    auto reply = deferred.take().second;
    auto stopped = std::async(std::launch::async, [this] { server->stop(60'000); });
    EXPECT_TRUE(idle.ended());
    EXPECT_TRUE(fresh.ended());
    EXPECT_FALSE(client().connected());
    EXPECT_EQ(stopped.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
    reply(text("in time"));
    auto answer = busy.read_answer();
    EXPECT_EQ(answer.body, "in time");
    EXPECT_EQ(answer.headers["connection"], "close");
    EXPECT_TRUE(busy.ended());
    stopped.get();
    EXPECT_EQ(server->open_connections(), 0U);
}

TEST_F(Stop, lets_a_request_that_is_half_read_finish) {
    serve(echo);
    auto c = client();
    c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel");
    settle();
    auto stopped = std::async(std::launch::async, [this] { server->stop(60'000); });
    EXPECT_TRUE(eventually([this] { return !client().connected(); }));
    c.send("lo");
    EXPECT_EQ(c.read_answer().body, "POST / hello");
    stopped.get();
}

TEST_F(Stop, cuts_what_is_left_after_the_grace) {
    Deferred deferred;
    serve(deferred.handler());
    auto c = client();
    c.send("GET /poll HTTP/1.1\r\nHost: h\r\n\r\n");
    auto reply = deferred.take().second;
    server->stop(10);
    EXPECT_TRUE(c.ended());
    EXPECT_EQ(server->open_connections(), 0U);
    server->stop(10);
}

TEST_F(Stop, may_be_called_from_several_threads) {
    serve(echo);
    auto c = client();
    c.get("/");
    std::thread other([this] { server->stop(100); });
    server->stop(100);
    other.join();
    EXPECT_TRUE(c.ended());
    EXPECT_EQ(server->total_requests(), 1U);
}

TEST_F(Stop, gives_all_descriptors_back) {
    auto before = open_descriptors();
    {
        Deferred deferred;
        Config config;
        config.threads = 2;
        config.limits.max_connections = 4;
        serve(
            [handler = deferred.handler()](Request request, Reply reply) {
                if (request.target != "/hang") return reply(text("x"));
                handler(std::move(request), std::move(reply));
            },
            std::move(config));
        std::vector<std::unique_ptr<Client>> clients;
        for (auto part : {"GET /hang HTTP/1.1\r\nHost: h\r\n\r\n", "", "GET / HT", "rubbish\r\n\r\n",
                          "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"}) {
            clients.push_back(std::make_unique<Client>(server->port()));
            clients.back()->send(part);
        }
        clients[1]->shut_sending();
        clients[2]->shut_sending();
        EXPECT_TRUE(eventually([&] { return server->total_connections() == 6 && deferred.count() == 1; }));
        server->stop(0);
        EXPECT_EQ(server->open_connections(), 0U);
        server.reset();
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Stop, clients_that_come_and_go_leave_nothing) {
    serve(echo);
    settle();
    EXPECT_TRUE(all_closed());
    auto before = open_descriptors();
    for (int i = 0; i < 30; ++i) {
        auto c = client();
        if (i % 3 == 0) c.get("/");
        if (i % 3 == 1) c.send("GET / HT");
        if (i % 2 == 0) c.abort();
    }
    EXPECT_TRUE(eventually([this] { return server->total_connections() == 31; }));
    EXPECT_TRUE(all_closed());
    EXPECT_EQ(open_descriptors(), before);
}

using Start = HttpTest;

TEST_F(Start, says_which_address_it_cannot_have) {
    serve(echo);
    Config config;
    config.port = server->port();
    auto second = Server::start(config, echo);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::io_failure);
    EXPECT_EQ(second.error().message,
              "cannot listen on 127.0.0.1:" + std::to_string(server->port()) + ": Address already in use");
    config.address = "192.0.2.1";
    EXPECT_NE(Server::start(config, echo).error().message.find("192.0.2.1"), std::string::npos);
}

TEST_F(Start, refuses_a_contradictory_config) {
    auto code = [](Config config, Handler handler) {
        auto started = Server::start(std::move(config), std::move(handler));
        return started ? "started" : wire_code(started.error().code);
    };
    Config no_address;
    no_address.address = "localhost";
    Config no_threads;
    no_threads.threads = 0;
    Config tls_on_unix;
    tls_on_unix.unix_socket_path = "/nowhere/socket";
    tls_on_unix.tls = Tls{};
    EXPECT_EQ(code({}, nullptr), wire_code(ErrorCode::invalid_input));
    EXPECT_EQ(code(no_address, echo), wire_code(ErrorCode::invalid_input));
    EXPECT_EQ(code(no_threads, echo), wire_code(ErrorCode::invalid_input));
    EXPECT_EQ(code(tls_on_unix, echo), wire_code(ErrorCode::invalid_input));
}

TEST_F(Start, the_port_is_free_again_after_stop) {
    serve(echo);
    Config config;
    config.port = server->port();
    auto c = client();
    c.get("/");
    server->stop(0);
    EXPECT_TRUE(Server::start(config, echo));
}

TEST_F(Start, an_ipv6_address_takes_ipv4_too) {
    Config config;
    config.address = "::";
    std::string peer;
    config.clock = &clock;
    auto started = Server::start(config, [&](const Request& request, const Reply& reply) {
        peer = request.peer_address;
        reply({});
    });
    if (!started) GTEST_SKIP() << started.error().message;
    Client c((*started)->port());
    EXPECT_EQ(c.get("/").status, 200);
    EXPECT_EQ(peer, "127.0.0.1");
}

class UnixSocket : public HttpTest {
  protected:
    Config config() const {
        Config out;
        out.unix_socket_path = path;
        return out;
    }
    TempDir dir;
    std::filesystem::path path = dir / "socket";
};

TEST_F(UnixSocket, serves_its_owner_only) {
    std::string peer;
    serve(
        [&](const Request& request, const Reply& reply) {
            peer = request.peer_address;
            reply(text("x"));
        },
        config());
    Client c(path);
    EXPECT_EQ(c.get("/").body, "x");
    EXPECT_EQ(c.post("/", "body").body, "x");
    EXPECT_EQ(peer, "unix:" + std::to_string(::getuid()));
    EXPECT_EQ(server->port(), 0);
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
    server->stop(0);
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(UnixSocket, replaces_a_dead_one_but_not_a_live_one) {
    {
        int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        ::close(fd);
    }
    serve(echo, config());
    auto second = Server::start(config(), echo);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message, "cannot listen on " + path.string() + ": Address already in use");
    Client c(path);
    EXPECT_EQ(c.get("/").status, 200);
}

TEST_F(UnixSocket, leaves_alone_what_is_not_its_own) {
    dir.write("socket", "a file");
    EXPECT_FALSE(Server::start(config(), echo));
    EXPECT_TRUE(std::filesystem::is_regular_file(path));
    std::filesystem::remove(path);
    serve(echo, config());
    std::filesystem::remove(path);
    dir.write("socket", "another file");
    server->stop(0);
    EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST_F(UnixSocket, the_path_may_be_too_long_or_nowhere) {
    path = dir / std::string(200, 'x');
    EXPECT_NE(Server::start(config(), echo).error().message.find("File name too long"), std::string::npos);
    path = dir / "no" / "such" / "directory";
    EXPECT_NE(Server::start(config(), echo).error().message.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace lodge::http
