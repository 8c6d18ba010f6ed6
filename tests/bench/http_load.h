// What benchmarks of HTTP share: a minimal Beast server as the yardstick, and a client that keeps one request
// under way on each of its connections.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/bench/figures.h"

namespace lodge::bench {

namespace net = boost::asio;
namespace beast = boost::beast;
using Tcp = net::ip::tcp;

// The yardstick: Beast as its examples use it, less their time-outs.
class BeastSession : public std::enable_shared_from_this<BeastSession> {
  public:
    BeastSession(Tcp::socket socket, const std::string& answer)
        : socket_(std::move(socket)), answer_(answer) {}

    void read() {
        request_ = {};
        beast::http::async_read(socket_, buffer_, request_,
                                [self = shared_from_this()](auto ec, std::size_t) {
                                    if (!ec) self->write();
                                });
    }

  private:
    void write() {
        response_ = {beast::http::status::ok, request_.version()};
        response_.set(beast::http::field::server, "beast");
        response_.set(beast::http::field::content_type, "text/xml");
        response_.keep_alive(request_.keep_alive());
        response_.body() = answer_;
        response_.prepare_payload();
        beast::http::async_write(socket_, response_, [self = shared_from_this()](auto ec, std::size_t) {
            if (!ec) self->read();
        });
    }

    Tcp::socket socket_;
    const std::string& answer_;
    beast::flat_buffer buffer_;
    beast::http::request<beast::http::string_body> request_;
    beast::http::response<beast::http::string_body> response_;
};

class BeastServer {
  public:
    explicit BeastServer(std::string answer)
        : answer_(std::move(answer)), acceptor_(context_, Tcp::endpoint(net::ip::address_v4::loopback(), 0)) {
        accept();
        thread_ = std::thread([this] { context_.run(); });
    }
    ~BeastServer() {
        context_.stop();
        thread_.join();
    }
    BeastServer(const BeastServer&) = delete;
    BeastServer& operator=(const BeastServer&) = delete;
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  private:
    void accept() {
        acceptor_.async_accept([this](auto ec, Tcp::socket socket) {
            if (ec) return;
            socket.set_option(Tcp::no_delay(true));
            std::make_shared<BeastSession>(std::move(socket), answer_)->read();
            accept();
        });
    }

    const std::string answer_;
    net::io_context context_{1};
    Tcp::acceptor acceptor_;
    std::thread thread_;
};

// Who asks whom: addresses of loopback.
struct Route {
    std::uint16_t port;
    const char* from = "127.0.0.1";
    const char* to = "127.0.0.1";
};

inline sockaddr_in endpoint(const char* address, std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    ::inet_pton(AF_INET, address, &out.sin_addr);
    return out;
}

inline int connect_by(const Route& route) {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto from = endpoint(route.from, 0);
    auto to = endpoint(route.to, route.port);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0 ||
        ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
        std::abort();
    int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

inline void send_all(int fd, const std::string& text) {
    if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) std::abort();
}

// A whole response with a Content-Length.
inline std::string receive(int fd) {
    constexpr std::string_view length = "\r\nContent-Length: ";
    std::string text;
    std::size_t whole = std::string::npos;
    std::array<char, 65'536> buffer;
    while (text.size() < whole) {
        auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (size <= 0) std::abort();
        text.append(buffer.data(), static_cast<std::size_t>(size));
        auto body = whole == std::string::npos ? text.find("\r\n\r\n") : std::string::npos;
        if (body != std::string::npos)
            whole = body + 4 + std::strtoul(text.c_str() + text.find(length) + length.size(), nullptr, 10);
    }
    return text;
}

struct Load {
    double rate = 0;                // requests a second
    std::vector<double> latencies;  // seconds, in the order of the answers
};

// Until the time is over or `stop` is set.
inline Load load(const Route& route, const std::string& text, std::size_t connections, double seconds,
                 const std::atomic<bool>* stop = nullptr) {
    using Clock = std::chrono::steady_clock;
    int poll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<int> fds;
    std::vector<Clock::time_point> sent(1);  // by descriptor
    for (std::size_t i = 0; i < connections; ++i) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fds.emplace_back(connect_by(route));
        sent.resize(std::max(sent.size(), static_cast<std::size_t>(event.data.fd) + 1));
        ::epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
        sent[static_cast<std::size_t>(event.data.fd)] = Clock::now();
        send_all(event.data.fd, text);
    }
    Load result;
    auto begin = Clock::now();
    std::chrono::duration<double> taken{};
    while (taken.count() < seconds && !(stop && *stop)) {
        std::array<epoll_event, 64> events;
        int count = ::epoll_wait(poll, events.data(), events.size(), 1000);
        for (int i = 0; i < count; ++i) {
            int fd = events.at(static_cast<std::size_t>(i)).data.fd;
            receive(fd);
            auto& since = sent[static_cast<std::size_t>(fd)];
            auto now = Clock::now();
            result.latencies.push_back(std::chrono::duration<double>(now - since).count());
            since = now;
            send_all(fd, text);
        }
        taken = Clock::now() - begin;
    }
    for (int fd : fds) ::close(fd);
    ::close(poll);
    result.rate = static_cast<double>(result.latencies.size()) / taken.count();
    return result;
}

}  // namespace lodge::bench
