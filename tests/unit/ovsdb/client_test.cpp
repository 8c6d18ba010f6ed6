#include "proto/ovsdb/client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <deque>
#include <optional>

#include "proto/ovsdb/splitter.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::ovsdb {
namespace {

using namespace std::chrono_literals;

// A server of one connection at a time, on the test's own thread.
class Server {
  public:
    explicit Server(const std::string& path) {
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
        EXPECT_EQ(::listen(listener_, 4), 0);
    }
    ~Server() {
        hang_up();
        ::close(listener_);
    }

    void accept() {
        connection_ = ::accept(listener_, nullptr, nullptr);
        timeval patience{10, 0};
        ::setsockopt(connection_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        splitter_.emplace();
        texts_.clear();
    }
    void hang_up() {
        if (connection_ >= 0) ::close(connection_);
        connection_ = -1;
    }
    Json receive() {
        while (texts_.empty()) {
            char buffer[4096];
            auto got = ::recv(connection_, buffer, sizeof(buffer), 0);
            if (got <= 0) return nullptr;
            auto texts = splitter_->feed({buffer, static_cast<std::size_t>(got)});
            for (auto& text : *texts) texts_.push_back(std::move(text));
        }
        auto text = std::move(texts_.front());
        texts_.pop_front();
        return Json::parse(text);
    }
    void send(const Json& message) {
        auto text = message.dump();
        ASSERT_EQ(::send(connection_, text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }
    // The monitor's request answered with `rows`.
    void greet(const Json& rows) {
        accept();
        auto monitor = receive();
        EXPECT_EQ(monitor["method"], "monitor");
        EXPECT_EQ(monitor["params"][0], "Things");
        EXPECT_EQ(monitor["params"][2], Json::parse(R"({"Thing":{"columns":["name"]}})"));
        send({{"id", monitor["id"]}, {"result", rows}, {"error", nullptr}});
    }

  private:
    int listener_ = -1;
    int connection_ = -1;
    std::optional<Splitter> splitter_;
    std::deque<std::string> texts_;
};

class ClientTest : public ::testing::Test {
  protected:
    ClientTest() : server(path()) {
        Options options;
        options.remote = "unix:" + path();
        options.database = "Things";
        options.monitored = {{"Thing", Json::array({"name"})}};
        options.probe_ms = 100;
        options.retry_ms = 20;
        Events events;
        events.connected = [this](const Json& rows) { note("connected " + rows.dump()); };
        events.updated = [this](const Json& rows) { note("updated " + rows.dump()); };
        events.lost = [this] { note("lost"); };
        client = std::make_unique<Client>(std::move(options), std::move(events));
    }

    std::string path() const { return (folder.path() / "db.sock").string(); }

    void note(const std::string& what) {
        std::lock_guard lock(mutex);
        noted.push_back(what);
        happened.notify_all();
    }
    std::string next() {
        std::unique_lock lock(mutex);
        if (!happened.wait_for(lock, 10s, [this] { return !noted.empty(); })) return "nothing";
        auto what = noted.front();
        noted.pop_front();
        return what;
    }
    void wait_until_well() {
        for (int i = 0; i < 1000 && !client->problem().empty(); ++i) std::this_thread::sleep_for(5ms);
        EXPECT_EQ(client->problem(), "");
    }

    TemporaryFolder folder;
    std::mutex mutex;
    std::condition_variable happened;
    std::deque<std::string> noted;
    Server server;
    std::unique_ptr<Client> client;
};

TEST_F(ClientTest, WatchesRunsTransactionsAndAnswersEchoes) {
    server.greet({{"Thing", Json::object()}});
    EXPECT_EQ(next(), R"(connected {"Thing":{}})");
    wait_until_well();
    Result<Json> result = Json();
    std::thread caller([&] { result = client->transact(Json::array({{{"op", "comment"}}})); });
    Json request;
    do {  // the client's own probes may come between
        request = server.receive();
        if (request["method"] == "echo")
            server.send({{"id", request["id"]}, {"result", Json::array()}, {"error", nullptr}});
    } while (request["method"] == "echo");
    EXPECT_EQ(request["params"], Json::parse(R"(["Things",{"op":"comment"}])"));
    server.send({{"method", "update"},
                 {"params", {"lodge", {{"Thing", {{"u1", {{"new", {{"name", "x"}}}}}}}}}},
                 {"id", nullptr}});
    server.send({{"id", request["id"]}, {"result", Json::array({Json::object()})}, {"error", nullptr}});
    caller.join();
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(next(), R"(updated {"Thing":{"u1":{"new":{"name":"x"}}}})") << "before the transaction returns";
    server.send({{"method", "echo"}, {"params", {7}}, {"id", "you"}});
    Json reply;
    do reply = server.receive();
    while (reply.contains("method"));
    EXPECT_EQ(reply["id"], "you");
    EXPECT_EQ(reply["result"], Json::array({7}));
}

TEST_F(ClientTest, AFailedOperationIsTheTransactionsError) {
    server.greet(Json::object());
    wait_until_well();
    std::thread answer([&] {
        auto request = server.receive();
        while (request["method"] == "echo") request = server.receive();
        server.send({{"id", request["id"]},
                     {"result",
                      Json::array({Json::object(), {{"error", "constraint violation"}, {"details", "no"}}})},
                     {"error", nullptr}});
    });
    auto result = client->transact(Json::array({{{"op", "insert"}}}));
    answer.join();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::internal_error);
    EXPECT_EQ(result.error().message, "constraint violation: no");
}

TEST_F(ClientTest, ComesBackAfterTheConnectionIsLost) {
    server.greet(Json::object());
    EXPECT_EQ(next(), "connected {}");
    wait_until_well();
    std::thread waiting(
        [&] { EXPECT_EQ(client->transact(Json::array()).error().code, ErrorCode::service_unavailable); });
    Json request = server.receive();
    while (request["method"] == "echo") request = server.receive();
    server.hang_up();
    waiting.join();
    EXPECT_EQ(next(), "lost");
    server.greet({{"Thing", {{"u2", {{"new", {{"name", "y"}}}}}}}});
    EXPECT_EQ(next(), R"(connected {"Thing":{"u2":{"new":{"name":"y"}}}})");
    wait_until_well();
}

TEST_F(ClientTest, ASilentServerIsLost) {
    server.greet(Json::object());
    EXPECT_EQ(next(), "connected {}");
    EXPECT_EQ(next(), "lost") << "it answered no echo";
    EXPECT_EQ(client->transact(Json::array()).error().code, ErrorCode::service_unavailable);
}

TEST(Remotes, OtherFormsAreRefused) {
    EXPECT_EQ(connect("http://x", {}, 10).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(connect("unix:", {}, 10).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(connect("unix:/nowhere/there.sock", {}, 10).error().code, ErrorCode::service_unavailable);
}

}  // namespace
}  // namespace lodge::ovsdb
