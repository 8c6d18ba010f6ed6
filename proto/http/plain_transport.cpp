#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>

#include "proto/http/connection.h"
#include "proto/http/transport.h"

namespace lodge::http {
namespace {

class PlainTransport final : public Transport {
  public:
    explicit PlainTransport(Socket socket) : socket_(std::move(socket)) {}

    void handshake(Completion done) override { done({}); }
    std::string certificate_sha256() const override { return {}; }

    void read_some(net::mutable_buffer into, Completion done) override {
        socket_.async_read_some(into, std::move(done));
    }

    void write(const std::array<net::const_buffer, 2>& buffers, Completion done) override {
        net::async_write(socket_, buffers, std::move(done));
    }

    // The peer's own end is only seen by reading on.
    void shut_down(Completion done) override {
        error_code ignored;
        socket_.shutdown(Socket::shutdown_send, ignored);
        done(net::error::would_block);
    }

    void read_raw(net::mutable_buffer into, Completion done) override { read_some(into, std::move(done)); }

    bool half_closes() const override { return true; }

    void set_hop_limit(int hops) override { http::set_hop_limit(socket_, hops); }

    void close() override {
        error_code ignored;
        socket_.close(ignored);
    }

  private:
    Socket socket_;
};

}  // namespace

void set_hop_limit(Socket& socket, int hops) {
    const int fd = socket.native_handle();
    ::setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof hops);
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
}

std::unique_ptr<Transport> make_plain_transport(Socket socket) {
    return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace lodge::http
