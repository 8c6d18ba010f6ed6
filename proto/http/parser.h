// Inside proto/http only: one request's bytes, checked more strictly than Beast does by itself.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <string>
#include <string_view>

#include "proto/http/asio.h"
#include "proto/http/server.h"

namespace lodge::http {

// Reads one request; make a new one for the next. Beast frames; on top of that are refused: folded headers,
// repeated Content-Length, any Transfer-Encoding but one "chunked", a missing or repeated Host in HTTP/1.1,
// control characters in chunk extensions, and headers that are too large or too many in all.
class RequestParser final : public boost::beast::http::basic_parser<true> {
  public:
    enum class Progress { need_more, header_done, complete, rejected };

    // `limits` must outlive the parser; `body_bytes` counts instead of the one there.
    RequestParser(const Limits& limits, std::uint64_t body_bytes);

    // Takes what it can out of `in`. `header_done` comes once, before the body is looked at: call again.
    Progress feed(boost::beast::flat_buffer& in);

    // From header_done on.
    bool expects_continue() const { return expects_continue_ && version_ >= 11; }
    bool http10() const { return version_ < 11; }

    // After `rejected`.
    int status() const { return status_; }
    std::string_view reason() const { return reason_; }

    // Complete after `complete`; before that, what is known so far.
    Request& request() { return request_; }

  private:
    using field = boost::beast::http::field;
    using string_view = boost::beast::string_view;

    Progress advance(boost::beast::flat_buffer& in, bool& again);
    bool waits_for_chunk(const boost::beast::flat_buffer& in) const;
    Progress refuse(int status, std::string_view reason);
    Progress refuse(const error_code& ec);
    void reject(error_code& ec, int status, std::string_view reason);
    bool folded(string_view name, string_view value) const;
    void note_field(field name, string_view value, error_code& ec);
    void note_framing(field name, string_view value, error_code& ec);

    void on_request_impl(boost::beast::http::verb, string_view method, string_view target, int version,
                         error_code&) override;
    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_field_impl(field name, string_view name_text, string_view value, error_code& ec) override;
    void on_header_impl(error_code& ec) override;
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override;
    std::size_t on_body_impl(string_view bytes, error_code&) override;
    void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& ec) override;
    std::size_t on_chunk_body_impl(std::uint64_t left, string_view bytes, error_code&) override;
    void on_finish_impl(error_code&) override {}

    const Limits& limits_;
    Request request_;
    std::string_view input_;  // what Beast is parsing
    std::size_t header_bytes_ = 0;
    int version_ = 11;
    int hosts_ = 0;
    bool content_length_seen_ = false;
    bool transfer_encoding_seen_ = false;
    bool expects_continue_ = false;
    int status_ = 0;
    std::string reason_;
};

}  // namespace lodge::http
