#include "proto/http/parser.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>

namespace lodge::http {
namespace {

namespace beast = boost::beast;

constexpr std::size_t body_reserve_bytes = 64UL * 1024;
// The least that can follow while a chunked body is not at its end: "0\r\n\r\n". Beast (1.81) asserts on
// less.
constexpr std::size_t least_chunk_bytes = 5;

bool control(char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

bool digits_only(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

RequestParser::RequestParser(const Limits& limits, std::uint64_t body_bytes) : limits_(limits) {
    constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
    header_limit(static_cast<std::uint32_t>(std::min(limits.header_bytes, most)));
    body_limit(body_bytes);
}

RequestParser::Progress RequestParser::feed(beast::flat_buffer& in) {
    bool again = true;
    auto progress = Progress::need_more;
    while (again && in.size() > 0 && !waits_for_chunk(in)) progress = advance(in, again);
    return progress;
}

bool RequestParser::waits_for_chunk(const beast::flat_buffer& in) const {
    return is_header_done() && chunked() && in.size() < least_chunk_bytes;
}

// One step of Beast's; `again` is whether there may be another with what is in the buffer.
RequestParser::Progress RequestParser::advance(beast::flat_buffer& in, bool& again) {
    const bool in_header = !is_header_done();
    input_ = {static_cast<const char*>(in.cdata().data()), in.size()};
    error_code ec;
    auto used = put(in.cdata(), ec);
    in.consume(used);
    if (in_header) header_bytes_ += used;
    again = false;
    if (ec && ec != beast::http::error::need_more) return refuse(ec);
    const bool cut_short = in_header && !is_header_done();
    if (in_header && header_bytes_ + (cut_short ? in.size() : 0) > limits_.header_bytes)
        return refuse(beast::http::error::header_limit);
    if (is_done()) return Progress::complete;
    if (in_header && is_header_done()) return Progress::header_done;
    again = !ec;
    return Progress::need_more;
}

RequestParser::Progress RequestParser::refuse(int status, std::string_view reason) {
    status_ = status;
    reason_ = reason;
    return Progress::rejected;
}

RequestParser::Progress RequestParser::refuse(const error_code& ec) {
    if (status_ != 0) return Progress::rejected;  // one of our own checks said why
    if (ec == beast::http::error::header_limit) return refuse(431, "The request's header is too large.");
    if (ec == beast::http::error::body_limit) return refuse(413, "The request's body is too large.");
    return refuse(400, "The request is not well-formed HTTP/1.1: " + ec.message() + ".");
}

void RequestParser::reject(error_code& ec, int status, std::string_view reason) {
    refuse(status, reason);
    ec = beast::http::error::bad_field;
}

void RequestParser::on_request_impl(beast::http::verb, string_view method, string_view target, int version,
                                    error_code&) {
    request_.method.assign(method.data(), method.size());
    request_.target.assign(target.data(), target.size());
    request_.headers.reserve(16);
    version_ = version;
}

void RequestParser::on_field_impl(field name, string_view name_text, string_view value, error_code& ec) {
    if (folded(name_text, value)) return reject(ec, 400, "A header is folded over several lines.");
    if (is_header_done()) return;  // a trailer
    if (request_.headers.size() >= limits_.header_count)
        return reject(ec, 431, "The request has too many headers.");
    note_field(name, value, ec);
    request_.headers.emplace_back(std::string(name_text), std::string(value));
}

// Beast unfolds into memory of its own, or, when the first line is empty, skips a line's end after the name.
bool RequestParser::folded(string_view name, string_view value) const {
    if (value.empty()) return false;
    auto begin = std::less<>();
    const char* name_end = name.data() + name.size();
    if (begin(value.data(), name_end) || begin(input_.data() + input_.size(), value.data())) return true;
    return std::find(name_end, value.data(), '\r') != value.data();
}

void RequestParser::note_field(field name, string_view value, error_code& ec) {
    switch (name) {
        case field::content_length:
        case field::transfer_encoding:
            return note_framing(name, value, ec);
        case field::host:
            ++hosts_;
            return;
        case field::expect:
            if (!beast::iequals(value, "100-continue"))
                return reject(ec, 417, "The only expectation that can be met is 100-continue.");
            expects_continue_ = true;
            return;
        default:
            return;
    }
}

void RequestParser::note_framing(field name, string_view value, error_code& ec) {
    bool& seen = name == field::content_length ? content_length_seen_ : transfer_encoding_seen_;
    if (seen) return reject(ec, 400, "Content-Length or Transfer-Encoding is repeated.");
    seen = true;
    if (content_length_seen_ && transfer_encoding_seen_)
        return reject(ec, 400, "Content-Length and Transfer-Encoding exclude each other.");
    if (name == field::content_length ? !digits_only(value) : !beast::iequals(value, "chunked"))
        return reject(ec, 400, "The Content-Length is no number, or the Transfer-Encoding is not chunked.");
    if (name == field::transfer_encoding && http10())
        return reject(ec, 400, "HTTP/1.0 knows no Transfer-Encoding.");
}

void RequestParser::on_header_impl(error_code& ec) {
    if (hosts_ > 1 || (hosts_ == 0 && !http10())) reject(ec, 400, "The request needs one Host header.");
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) {
    if (length) request_.body.reserve(std::min<std::uint64_t>(*length, body_reserve_bytes));
}

std::size_t RequestParser::on_body_impl(string_view bytes, error_code&) {
    request_.body.append(bytes.data(), bytes.size());
    return bytes.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t, string_view extensions, error_code& ec) {
    if (std::any_of(extensions.begin(), extensions.end(), control))
        reject(ec, 400, "A chunk's extension holds a control character.");
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& ec) {
    return on_body_impl(bytes, ec);
}

}  // namespace lodge::http
