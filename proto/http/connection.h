// Inside proto/http only: one client's connection, from accept to close.
//
//   handshake → idle ⇄ header → [interim →] body → handling → writing → idle
//                 any of them → closing → closed            writing → closing
//
// Lives on its Worker's thread; nothing here is called from another.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "proto/http/outgoing.h"
#include "proto/http/parser.h"
#include "proto/http/transport.h"
#include "proto/http/worker.h"

namespace lodge::http {

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    // `worker` outlives the connection.
    Connection(Worker& worker, std::unique_ptr<Transport> transport, std::string peer_address);

    void start();
    // Instead of start: 503 and close, or with TLS close at once.
    void refuse();

    // The answer to the request being handled; nothing means that it was dropped. Otherwise ignored.
    void on_reply(std::optional<Response> response);
    void on_tick(std::int64_t now_ms);
    void wind_down();
    // Closes now and leaves the worker. Harmless when closed.
    void finish();

    const std::string& peer_address() const { return peer_address_; }

    std::size_t slot = 0;  // the worker's

  private:
    enum class Phase { handshake, idle, header, interim, body, handling, writing, closing, closed };
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

    Completion then(void (Connection::*member)(const error_code&, std::size_t));
    void enter(Phase phase, std::int64_t timeout_ms);

    void on_handshake(const error_code& ec, std::size_t);

    // Reading: connection_read.cpp.
    void await_request(std::int64_t timeout_ms);
    void read(std::size_t wanted_bytes);
    void on_read(const error_code& ec, std::size_t bytes);
    void on_read_error(const error_code& ec);
    void parse();
    std::uint64_t body_limit() const;
    bool hold(std::uint64_t body_bytes);
    void need_more();
    void on_header();
    void on_continue_sent(const error_code& ec, std::size_t);
    void dispatch();
    void note_facts(const Request& request);
    void call_handler(Request request);

    // Writing and closing: connection_write.cpp.
    void fail(int status, std::string_view reason);
    void send(Response response);
    void write_next();
    void on_written(const error_code& ec, std::size_t);
    void on_sent();
    void close_gently();
    void close_politely();
    void on_shut_down(const error_code& ec, std::size_t);
    void drain();

    Worker& worker_;
    std::unique_ptr<Transport> transport_;
    std::string peer_address_;
    std::string certificate_sha256_;
    Phase phase_ = Phase::handshake;
    std::int64_t deadline_ms_ = never;
    std::uint64_t requests_ = 0;

    boost::beast::flat_buffer in_;
    bool reading_ = false;    // into in_'s free end: then in_ is left alone
    bool peer_done_ = false;  // the peer sends no more, but may still read
    std::optional<RequestParser> parser_;
    std::uint64_t held_bytes_ = 0;  // this connection's part of Service::body_bytes

    ReplyFacts facts_;
    Outgoing out_;
};

}  // namespace lodge::http
