// What the tests of proto/http share: a client of bare sockets, a handler that keeps its replies, a server to
// start.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "proto/http/server.h"

namespace lodge::http {

// Polls until `done`; false after ten seconds, which no healthy run comes near.
inline bool eventually(const std::function<bool()>& done) {
    for (auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
         std::chrono::steady_clock::now() < end;) {
        if (done()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

struct Answer {
    int status = 0;                              // 0: the connection ended without one
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
};

// One connection, blocking, with ten seconds of patience.
class Client {
  public:
    explicit Client(std::uint16_t port, int receive_buffer_bytes = 0)
        : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        if (receive_buffer_bytes > 0)
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connect_to(reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    explicit Client(const std::filesystem::path& path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        connect_to(reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    ~Client() { close(); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    bool connected() const { return connected_; }

    // What the server no longer wants is not an error.
    void send(std::string_view text) {
        while (!text.empty()) {
            auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void drip(std::string_view text) {
        for (char c : text) send({&c, 1});
    }
    void shut_sending() { ::shutdown(fd_, SHUT_WR); }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    // The server gets a reset, not an end.
    void abort() {
        linger option{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &option, sizeof option);
        close();
    }

    // Exactly so many bytes, or fewer at the end.
    std::string read_bytes(std::size_t count) {
        while (in_.size() < count && receive()) {
        }
        auto bytes = in_.substr(0, count);
        in_.erase(0, count);
        return bytes;
    }
    std::string read_all() { return read_bytes(std::string::npos); }
    // Whether the server closed, and nothing came before that.
    bool ended() { return in_.empty() && !receive() && in_.empty(); }

    Answer read_answer(bool to_head = false) {
        std::size_t end;
        while ((end = in_.find("\r\n\r\n")) == std::string::npos)
            if (!receive()) return {};
        auto answer = parse_head(in_.substr(0, end + 2));
        in_.erase(0, end + 4);
        if (!to_head && answer.headers.contains("content-length"))
            answer.body = read_bytes(std::stoul(answer.headers["content-length"]));
        return answer;
    }
    Answer get(const std::string& target, const std::string& more_headers = "") {
        send("GET " + target + " HTTP/1.1\r\nHost: test\r\n" + more_headers + "\r\n");
        return read_answer();
    }
    Answer post(const std::string& target, const std::string& body) {
        send("POST " + target + " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + body);
        return read_answer();
    }

  private:
    void connect_to(const sockaddr* address, socklen_t size) {
        timeval patience{10, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        connected_ = ::connect(fd_, address, size) == 0;
    }
    bool receive() {
        char buffer[16384];
        auto got = ::recv(fd_, buffer, sizeof buffer, 0);
        if (got > 0) in_.append(buffer, static_cast<std::size_t>(got));
        return got > 0;
    }
    static Answer parse_head(const std::string& head) {
        Answer answer;
        answer.status = std::stoi(head.substr(9, 3));
        for (auto at = head.find("\r\n") + 2; at < head.size();) {
            auto end = head.find("\r\n", at);
            auto colon = head.find(": ", at);
            auto name = head.substr(at, colon - at);
            std::transform(name.begin(), name.end(), name.begin(),
                           [](unsigned char c) { return std::tolower(c); });
            answer.headers[name] = head.substr(colon + 2, end - colon - 2);
            at = end + 2;
        }
        return answer;
    }

    int fd_;
    bool connected_ = false;
    std::string in_;
};

// A handler that answers nothing by itself: the test takes the requests and answers when it likes.
class Deferred {
  public:
    Handler handler() {
        return [this](Request request, Reply reply) {
            std::lock_guard lock(mutex_);
            waiting_.emplace_back(std::move(request), std::move(reply));
            came_.notify_all();
        };
    }
    // The next request, which must come.
    std::pair<Request, Reply> take() {
        std::unique_lock lock(mutex_);
        if (!came_.wait_for(lock, std::chrono::seconds(10), [this] { return !waiting_.empty(); })) {
            ADD_FAILURE() << "no request came";
            return {{}, [](Response) {}};
        }
        auto first = std::move(waiting_.front());
        waiting_.erase(waiting_.begin());
        return first;
    }
    std::size_t count() {
        std::lock_guard lock(mutex_);
        return waiting_.size();
    }

  private:
    std::mutex mutex_;
    std::condition_variable came_;
    std::vector<std::pair<Request, Reply>> waiting_;
};

inline Response text(std::string body, int status = 200) {
    Response response;
    response.status = status;
    response.content_type = "text/plain";
    response.body = std::move(body);
    return response;
}

// Answers with what it got: "METHOD target body".
inline void echo(Request request, const Reply& reply) {
    reply(text(request.method + ' ' + request.target + ' ' + request.body));
}

class TempDir {
  public:
    TempDir() {
        auto pattern = (std::filesystem::temp_directory_path() / "lodge_http_XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~TempDir() { std::filesystem::remove_all(path_); }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
    std::filesystem::path write(std::string_view name, std::string_view content) const {
        std::ofstream(path_ / name, std::ios::binary) << content;
        return path_ / name;
    }

  private:
    std::filesystem::path path_;
};

inline std::size_t open_descriptors() {
    auto entries = std::filesystem::directory_iterator("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

// Time stands still unless a test turns it, so that no deadline passes by accident.
class HttpTest : public ::testing::Test {
  protected:
    void serve(Handler handler, Config config = {}) {
        config.clock = &clock;
        server = Server::start(std::move(config), std::move(handler)).value();
    }
    Client client() const { return Client(server->port()); }
    // Whatever reached the (single) I/O thread before this call, it has worked off after it.
    void settle() const {
        Client other(server->port());
        other.get("/settle");
    }
    bool all_closed() const {
        return eventually([this] { return server->open_connections() == 0; });
    }

    ManualClock clock{1'790'000'000'000};
    std::unique_ptr<Server> server;
};

}  // namespace lodge::http
