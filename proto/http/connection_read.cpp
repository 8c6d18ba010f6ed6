#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/error.hpp>

#include "proto/http/connection.h"
#include "proto/http/reply.h"

namespace lodge::http {
namespace {

constexpr std::size_t header_read_bytes = 4UL * 1024;
constexpr std::size_t body_read_bytes = 64UL * 1024;
constexpr std::uint64_t free_body_bytes = 16UL * 1024;  // ordinary requests pass while large ones are refused
constexpr std::size_t idle_buffer_bytes = 16UL * 1024;  // more is given back between two requests
constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

void Connection::await_request(std::int64_t timeout_ms) {
    parser_.emplace(worker_.limits(), body_limit());
    enter(Phase::idle, timeout_ms);
    if (!reading_ && in_.size() == 0 && in_.capacity() > idle_buffer_bytes) in_.shrink_to_fit();
    parse();
}

void Connection::read(std::size_t wanted_bytes) {
    if (reading_) return;
    if (peer_done_) return finish();
    reading_ = true;
    auto room = std::min(wanted_bytes, in_.max_size() - in_.size());
    transport_->read_some(in_.prepare(room), then(&Connection::on_read));
}

void Connection::on_read(const error_code& ec, std::size_t bytes) {
    reading_ = false;
    if (phase_ == Phase::closed) return;
    if (ec) return on_read_error(ec);
    in_.commit(bytes);
    switch (phase_) {
        case Phase::idle:
        case Phase::header:
        case Phase::body:
            return parse();
        case Phase::closing:
            return drain();
        default:
            return;  // a pipelined request: its turn comes
    }
}

// A plain peer that has sent its request may shut its sending side and still wait for the answer.
void Connection::on_read_error(const error_code& ec) {
    const bool answer_due = phase_ == Phase::handling || phase_ == Phase::writing;
    if (ec != net::error::eof || !answer_due || !transport_->half_closes()) return finish();
    peer_done_ = true;
}

void Connection::parse() {
    if (in_.size() > 0 && phase_ == Phase::idle) enter(Phase::header, worker_.limits().header_timeout_ms);
    auto progress = parser_->feed(in_);
    if (!hold(parser_->request().body.size())) return fail(503, "Too many large requests arrive at once.");
    switch (progress) {
        case RequestParser::Progress::need_more:
            return need_more();
        case RequestParser::Progress::header_done:
            return on_header();
        case RequestParser::Progress::complete:
            return dispatch();
        case RequestParser::Progress::rejected:
            return fail(parser_->status(), std::string(parser_->reason()));
    }
}

std::uint64_t Connection::body_limit() const {
    const auto& limits = worker_.limits();
    if (!certificate_sha256_.empty()) return limits.body_bytes;
    return std::min(limits.body_bytes, limits.anonymous_body_bytes);
}

// Counts the body's bytes in; false if all connections together would hold too many.
bool Connection::hold(std::uint64_t body_bytes) {
    body_bytes -= std::min(body_bytes, free_body_bytes);
    const auto more = body_bytes - held_bytes_;  // wraps around when it is less
    held_bytes_ = body_bytes;
    const auto total = worker_.service().body_bytes.fetch_add(more) + more;
    return body_bytes == 0 || total <= worker_.limits().all_bodies_bytes;
}

// The buffer holds more than any header may have, so that it is full only of an endless chunk header or
// trailer.
void Connection::need_more() {
    if (in_.size() == in_.max_size()) return fail(400, "A chunk's header or trailer is too large.");
    read(phase_ == Phase::body ? body_read_bytes : header_read_bytes);
}

void Connection::on_header() {
    enter(Phase::body, worker_.limits().body_timeout_ms);
    if (!parser_->expects_continue() || in_.size() > 0) return parse();
    phase_ = Phase::interim;
    transport_->write({net::buffer(continue_line)}, then(&Connection::on_continue_sent));
}

void Connection::on_continue_sent(const error_code& ec, std::size_t) {
    if (phase_ == Phase::closed) return;
    if (ec) return finish();
    phase_ = Phase::body;
    parse();
}

void Connection::dispatch() {
    enter(Phase::handling, never);
    ++requests_;
    worker_.count_request();
    auto request = std::move(parser_->request());
    note_facts(request);
    request.peer_address = peer_address_;
    request.client_certificate_sha256 = certificate_sha256_;
    call_handler(std::move(request));
    // While the answer takes its time, see whether the client goes away.
    if (phase_ == Phase::handling && in_.size() == 0) read(header_read_bytes);
}

void Connection::note_facts(const Request& request) {
    const auto most = worker_.limits().max_requests_per_connection;
    facts_.head_request = request.method == "HEAD";
    facts_.http10 = parser_->http10();
    facts_.keep_alive = parser_->keep_alive() && (most == 0 || requests_ < most);
    facts_.range.clear();
    if (request.method != "GET" || request.header("If-Range")) return;
    if (const auto* range = request.header("Range")) facts_.range = *range;
}

void Connection::call_handler(Request request) {
    try {
        worker_.service().handler(std::move(request), make_reply(worker_.loop(), weak_from_this()));
    } catch (const std::exception& exception) {
        spdlog::error("http: the handler threw: {}", exception.what());
    } catch (...) {
        spdlog::error("http: the handler threw");
    }
}

}  // namespace lodge::http
