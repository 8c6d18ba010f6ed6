// Downloads from a web server of the test's own: whole, cut short, refused, redirected.
#include "api/images/fetch.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <map>
#include <thread>

#include "api/images/descriptor.h"

namespace lodge::images {
namespace {

using ::testing::HasSubstr;

// Answers each path with fixed bytes, then closes. One thread of its own.
class Web {
  public:
    using Replies = std::map<std::string, std::string>;
    explicit Web(Replies replies) : replies_(std::move(replies)) {
        listener_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        EXPECT_EQ(::bind(listener_.get(), generic, size), 0);
        EXPECT_EQ(::listen(listener_.get(), 8), 0);
        EXPECT_EQ(::getsockname(listener_.get(), generic, &size), 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~Web() {
        stop_ = true;
        thread_.join();
    }

    std::string url(const std::string& path) const {
        return "http://127.0.0.1:" + std::to_string(port_) + path;
    }

  private:
    void serve() {
        while (!stop_) {
            pollfd waiting{listener_.get(), POLLIN, 0};
            if (::poll(&waiting, 1, 20) > 0) answer(Descriptor(::accept(listener_.get(), nullptr, nullptr)));
        }
    }
    void answer(Descriptor client) {
        std::string request;
        char chunk[4096];
        while (request.find("\r\n\r\n") == std::string::npos) {
            ssize_t got = ::recv(client.get(), chunk, sizeof chunk, 0);
            if (got <= 0) return;
            request.append(chunk, static_cast<std::size_t>(got));
        }
        auto path = request.substr(4, request.find(' ', 4) - 4);
        auto found = replies_.find(path);
        std::string_view reply = "HTTP/1.1 404 Not Found\r\n\r\n";
        if (found != replies_.end()) reply = found->second;
        while (!reply.empty()) {
            ssize_t put = ::send(client.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
            if (put <= 0) return;
            reply.remove_prefix(static_cast<std::size_t>(put));
        }
    }

    Replies replies_;
    Descriptor listener_;
    int port_ = 0;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

struct Got {
    Status status;
    std::string bytes;
    std::int64_t expected = -1;
};

Got get(const std::string& url, FetchHooks hooks = {}) {
    Got got;
    hooks.write = [&](std::string_view piece) -> Status {
        got.bytes += piece;
        return {};
    };
    if (!hooks.expect)
        hooks.expect = [&](std::int64_t bytes) -> Status {
            got.expected = bytes;
            return {};
        };
    got.status = fetch(url, hooks);
    return got;
}

std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(Fetch, DownloadsWhole) {
    std::string body(1'000'000, 'b');
    Web web(Web::Replies{{"/image", ok(body)}});
    auto got = get(web.url("/image"));
    ASSERT_TRUE(got.status) << got.status.error().message;
    EXPECT_EQ(got.bytes, body);
    EXPECT_EQ(got.expected, 1'000'000);
}

TEST(Fetch, FollowsRedirectsToTheWebOnly) {
    std::string to_file = "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n";
    Web target(Web::Replies{{"/image", ok("there")}});
    Web web(
        Web::Replies{{"/web", "HTTP/1.1 302 Found\r\nLocation: " + target.url("/image") + "\r\n\r\nmoved"},
                     {"/file", to_file}});
    EXPECT_EQ(get(web.url("/web")).bytes, "there");
    auto got = get(web.url("/file"));
    EXPECT_FALSE(got.status);
    EXPECT_EQ(got.bytes, "");
}

TEST(Fetch, AsksBeforeItFollows) {
    Web target(Web::Replies{{"/image", ok("there")}});
    Web web(
        Web::Replies{{"/web", "HTTP/1.1 302 Found\r\nLocation: " + target.url("/image") + "\r\n\r\nmoved"},
                     {"/loop", "HTTP/1.1 302 Found\r\nLocation: /loop\r\n\r\n"},
                     {"/nowhere", "HTTP/1.1 304 Not Modified\r\n\r\n"}});
    std::string asked;
    FetchHooks hooks;
    hooks.may_follow = [&](const std::string& url) -> Status {
        asked = url;
        return fail(ErrorCode::invalid_input, "not there");
    };
    auto got = get(web.url("/web"), hooks);
    ASSERT_FALSE(got.status);
    EXPECT_EQ(got.status.error().message, "not there");
    EXPECT_EQ(asked, target.url("/image"));
    EXPECT_EQ(got.bytes, "");
    got = get(web.url("/loop"));
    ASSERT_FALSE(got.status);
    EXPECT_THAT(got.status.error().message, HasSubstr("too often"));
    EXPECT_FALSE(get(web.url("/nowhere")).status);
}

TEST(Fetch, RefusesErrorPagesAndPartialBodies) {
    Web web(Web::Replies{{"/cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"}});
    auto missing = get(web.url("/missing"));
    ASSERT_FALSE(missing.status);
    EXPECT_THAT(missing.status.error().message, HasSubstr("404"));
    auto cut = get(web.url("/cut"));
    ASSERT_FALSE(cut.status);
    EXPECT_THAT(cut.status.error().message, HasSubstr("cannot download"));
}

TEST(Fetch, PassesErrorsOfItsHooksOn) {
    Web web(Web::Replies{{"/image", ok(std::string(100'000, 'b'))}});
    auto got =
        get(web.url("/image"), {.expect = [](std::int64_t) { return fail(ErrorCode::io_failure, "no room"); },
                                .write = {},
                                .progress = {},
                                .cancelled = {}});
    ASSERT_FALSE(got.status);
    EXPECT_EQ(got.status.error().message, "no room");
    EXPECT_EQ(got.bytes, "");
    got =
        get(web.url("/image"), {.expect = {}, .write = {}, .progress = {}, .cancelled = [] { return true; }});
    ASSERT_FALSE(got.status);
    EXPECT_EQ(got.status.error().message, "interrupted");
}

TEST(Fetch, TellsAddressesFromPaths) {
    EXPECT_TRUE(is_url("http://a"));
    EXPECT_TRUE(is_url("https://a"));
    EXPECT_TRUE(is_url("file:///a"));
    EXPECT_FALSE(is_url("ftp://a"));  // a path, and no such file
    EXPECT_FALSE(is_url("/a"));
    EXPECT_FALSE(is_url("http"));
    EXPECT_FALSE(get("ftp://127.0.0.1/a").status);
}

}  // namespace
}  // namespace lodge::images
