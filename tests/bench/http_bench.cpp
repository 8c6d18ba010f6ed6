// Requests per second of proto/http against a minimal Beast server, in one run: both with one I/O thread, the
// same client, a handler that answers inline, and a request like the aws command line's. Rounds alternate, so
// that the machine's moods meet both. Prints each server's median and their ratio.
//
//   http_bench [connections=32] [rounds=5] [seconds_per_round=1]
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "proto/http/server.h"

namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
using Tcp = net::ip::tcp;

const std::string answer(200, 'x');

// The yardstick: Beast as its examples use it, less their time-outs.
class BeastSession : public std::enable_shared_from_this<BeastSession> {
  public:
    explicit BeastSession(Tcp::socket socket) : socket_(std::move(socket)) {}

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
        response_.body() = answer;
        response_.prepare_payload();
        beast::http::async_write(socket_, response_, [self = shared_from_this()](auto ec, std::size_t) {
            if (!ec) self->read();
        });
    }

    Tcp::socket socket_;
    beast::flat_buffer buffer_;
    beast::http::request<beast::http::string_body> request_;
    beast::http::response<beast::http::string_body> response_;
};

class BeastServer {
  public:
    BeastServer() : acceptor_(context_, Tcp::endpoint(net::ip::address_v4::loopback(), 0)) {
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
            std::make_shared<BeastSession>(std::move(socket))->read();
            accept();
        });
    }

    net::io_context context_{1};
    Tcp::acceptor acceptor_;
    std::thread thread_;
};

std::string request_text() {
    const std::string body =
        "Action=DescribeInstances&Version=2016-11-15&InstanceId.1=i-0123456789abcdef0&InstanceId.2=i-"
        "0123456789abcdef1";
    return fmt::format(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1:8773\r\nAccept-Encoding: identity\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
        "User-Agent: aws-cli/2.15.0 Python/3.11.6 Linux/6.1.0 exe/x86_64 prompt/off "
        "command/ec2.describe-instances\r\n"
        "X-Amz-Date: 20261123T201300Z\r\n"
        "Authorization: AWS4-HMAC-SHA256 "
        "Credential=AKIAIOSFODNN7EXAMPLE/20261123/us-east-1/ec2/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, Signature={}\r\nContent-Length: {}\r\n\r\n{}",
        std::string(64, 'a'), body.size(), body);
}

int connect_to(std::uint16_t port) {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void send_all(int fd, const std::string& text) {
    if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) std::abort();
}

// A response arrives in one segment; its length is that of the first.
std::size_t receive(int fd) {
    std::array<char, 4096> buffer;
    auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (size <= 0) std::abort();
    return static_cast<std::size_t>(size);
}

// One request under way on every connection, until the time is up.
double round_of(std::uint16_t port, std::size_t connections, double seconds) {
    const auto text = request_text();
    int poll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<int> fds;
    for (std::size_t i = 0; i < connections; ++i) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fds.emplace_back(connect_to(port));
        ::epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
        send_all(event.data.fd, text);
    }
    std::size_t answers = 0;
    auto begin = std::chrono::steady_clock::now();
    std::chrono::duration<double> taken{};
    while (taken.count() < seconds) {
        std::array<epoll_event, 64> events;
        int count = ::epoll_wait(poll, events.data(), events.size(), 1000);
        for (int i = 0; i < count; ++i) {
            int fd = events.at(static_cast<std::size_t>(i)).data.fd;
            receive(fd);
            send_all(fd, text);
            ++answers;
        }
        taken = std::chrono::steady_clock::now() - begin;
    }
    for (int fd : fds) ::close(fd);
    ::close(poll);
    return static_cast<double>(answers) / taken.count();
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                     values.end());
    return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t connections = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 32;
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
    const double seconds = argc > 3 ? std::atof(argv[3]) : 1;

    BeastServer bare;
    auto ours = lodge::http::Server::start({}, [](lodge::http::Request, lodge::http::Reply reply) {
        lodge::http::Response response;
        response.content_type = "text/xml";
        response.body = answer;
        reply(std::move(response));
    });
    if (!ours) {
        fmt::print(stderr, "{}\n", ours.error().message);
        return 1;
    }
    std::vector<double> bare_rates;
    std::vector<double> our_rates;
    for (int i = 0; i < rounds; ++i) {
        bare_rates.push_back(round_of(bare.port(), connections, seconds));
        our_rates.push_back(round_of((*ours)->port(), connections, seconds));
    }
    fmt::print("bare Beast {:.0f}/s  proto/http {:.0f}/s  ratio {:.2f}\n", median(bare_rates),
               median(our_rates), median(our_rates) / median(bare_rates));
}
