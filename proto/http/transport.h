// Inside proto/http only: the bytes below a connection, plain or TLS. All calls on the connection's own
// thread.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "proto/http/asio.h"

namespace lodge::http {

class Connection;

// Calls a member of the connection, and keeps it alive until then.
struct Completion {
    std::shared_ptr<Connection> connection;
    void (Connection::*then)(const error_code&, std::size_t);

    void operator()(const error_code& ec, std::size_t bytes = 0) const {
        (connection.get()->*then)(ec, bytes);
    }
};

// At most one read and one write may be under way, both at the same time.
class Transport {
  public:
    virtual ~Transport() = default;

    // May call `done` before it returns; so may shut_down.
    virtual void handshake(Completion done) = 0;
    // SHA-256 of the client's verified certificate; empty without one.
    virtual std::string certificate_sha256() const = 0;

    virtual void read_some(net::mutable_buffer into, Completion done) = 0;
    // All of the buffers, which stay untouched until `done`.
    virtual void write(const std::array<net::const_buffer, 2>& buffers, Completion done) = 0;

    // Tells the peer that nothing more comes. Success means that the peer said the same, so that closing
    // loses nothing.
    virtual void shut_down(Completion done) = 0;
    // Bytes from below TLS, to be thrown away.
    virtual void read_raw(net::mutable_buffer into, Completion done) = 0;

    // Whether a peer that sends no more may still want its answer.
    virtual bool half_closes() const = 0;

    // How far packets go from now on. Best effort.
    virtual void set_hop_limit(int hops) = 0;

    // Gives the descriptor back. What is under way completes with an error.
    virtual void close() = 0;
};

// For both: of a TCP socket of either family.
void set_hop_limit(Socket& socket, int hops);

std::unique_ptr<Transport> make_plain_transport(Socket socket);

}  // namespace lodge::http
