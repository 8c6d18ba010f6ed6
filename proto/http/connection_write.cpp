#include <spdlog/spdlog.h>

#include "proto/http/connection.h"

namespace lodge::http {
namespace {

constexpr std::int64_t linger_ms = 2'000;
constexpr std::size_t drain_bytes = 16UL * 1024;

}  // namespace

// For requests that do not reach the handler. What follows such a request on the wire cannot be trusted:
// close.
void Connection::fail(int status, std::string_view reason) {
    facts_ = {};
    facts_.head_request = parser_ && parser_->request().method == "HEAD";
    if (parser_) parser_->request().body = std::string();
    auto response = worker_.service().error(status, reason);
    response.close = true;
    send(std::move(response));
}

void Connection::send(Response response) {
    hold(0);
    facts_.keep_alive = facts_.keep_alive && !response.close && !worker_.winding_down();
    if (auto refusal = out_.prepare(response, facts_)) {
        spdlog::log(refusal->status == 500 ? spdlog::level::err : spdlog::level::debug, "http: {}",
                    refusal->reason);
        response = worker_.service().error(refusal->status, refusal->reason);
        response.headers.insert(response.headers.end(), refusal->headers.begin(), refusal->headers.end());
        if (out_.prepare(response, facts_)) response = Service::plain_error(refusal->status, refusal->reason);
    }
    if (response.hop_limit > 0) transport_->set_hop_limit(response.hop_limit);
    out_.start(std::move(response), facts_, worker_.date());
    write_next();
}

void Connection::write_next() {
    auto piece = out_.next();
    if (!piece) return finish();  // the promised length cannot be kept
    if (net::buffer_size(*piece) == 0) return on_sent();
    enter(Phase::writing, worker_.limits().write_timeout_ms);
    transport_->write(*piece, then(&Connection::on_written));
}

void Connection::on_written(const error_code& ec, std::size_t) {
    if (phase_ == Phase::closed) return;
    if (ec) return finish();
    write_next();
}

void Connection::on_sent() {
    if (facts_.keep_alive && !worker_.winding_down()) return await_request(worker_.limits().idle_timeout_ms);
    close_gently();
}

// Closing a socket that holds unread bytes makes the kernel send a reset, which may overtake the response.
// So: say that no more comes, and read the peer's bytes away until it closes too, for a while.
void Connection::close_gently() {
    if (peer_done_ || worker_.winding_down()) return close_politely();
    enter(Phase::closing, linger_ms);
    transport_->shut_down(then(&Connection::on_shut_down));
}

void Connection::on_shut_down(const error_code& ec, std::size_t) {
    if (phase_ != Phase::closing) return;
    if (!ec) return finish();
    if (!reading_) drain();
}

void Connection::drain() {
    in_.consume(in_.size());
    reading_ = true;
    transport_->read_raw(in_.prepare(drain_bytes), then(&Connection::on_read));
}

// At once, but with TLS's close_notify, which the call puts into the kernel's buffer before it returns.
void Connection::close_politely() {
    auto self = shared_from_this();
    enter(Phase::closed, never);
    transport_->shut_down(then(&Connection::on_shut_down));
    transport_->close();
    worker_.remove(*this);
}

}  // namespace lodge::http
