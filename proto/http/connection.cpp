#include "proto/http/connection.h"

#include <spdlog/spdlog.h>

namespace lodge::http {
namespace {

constexpr std::size_t read_room_bytes = 64UL * 1024;  // beyond a header of the largest size

}  // namespace

Connection::Connection(Worker& worker, std::unique_ptr<Transport> transport, std::string peer_address)
    : worker_(worker),
      transport_(std::move(transport)),
      peer_address_(std::move(peer_address)),
      in_(worker.limits().header_bytes + read_room_bytes) {}

Completion Connection::then(void (Connection::*member)(const error_code&, std::size_t)) {
    return {shared_from_this(), member};
}

void Connection::enter(Phase phase, std::int64_t timeout_ms) {
    phase_ = phase;
    deadline_ms_ = timeout_ms == never ? never : worker_.steady_ms() + timeout_ms;
}

void Connection::start() {
    enter(Phase::handshake, worker_.limits().handshake_timeout_ms);
    transport_->handshake(then(&Connection::on_handshake));
}

void Connection::on_handshake(const error_code& ec, std::size_t) {
    if (phase_ == Phase::closed) return;
    if (ec) {
        spdlog::debug("http: no TLS with {}: {}", peer_address_, ec.message());
        return finish();
    }
    certificate_sha256_ = transport_->certificate_sha256();
    await_request(worker_.limits().header_timeout_ms);
}

void Connection::refuse() {
    fail(503, "There are too many connections.");
}

void Connection::on_reply(std::optional<Response> response) {
    if (phase_ != Phase::handling) return;
    if (response) return send(std::move(*response));
    send(worker_.service().error(500, "The request was not answered."));
}

void Connection::on_tick(std::int64_t now_ms) {
    if (now_ms < deadline_ms_) return;
    if (phase_ == Phase::header || phase_ == Phase::body)
        return fail(408, "The request did not arrive in time.");
    finish();
}

void Connection::wind_down() {
    switch (phase_) {
        case Phase::handshake:
        case Phase::closing:
            return finish();
        case Phase::idle:
            return close_politely();
        default:
            return;  // a request is under way; `send` will say that it was the last
    }
}

void Connection::finish() {
    if (phase_ == Phase::closed) return;
    enter(Phase::closed, never);
    hold(0);
    auto self = shared_from_this();
    transport_->close();
    worker_.remove(*this);
}

}  // namespace lodge::http
