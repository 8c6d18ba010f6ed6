// An HTTP request written out as text, for tests of signatures.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/auth/sigv4.h"
#include "proto/base/encoding.h"

namespace lodge::auth {

// "GET /path HTTP/1.1\nName: value\n\nbody". Owns the text; copies are made from the text again.
class RawRequest {
  public:
    explicit RawRequest(std::string_view text) : text_(text) { parse(); }
    RawRequest(const RawRequest& other) : text_(other.text_) { parse(); }
    RawRequest& operator=(const RawRequest& other) {
        text_ = other.text_;
        parse();
        return *this;
    }

    SignedRequest view() const { return {method_, target_, headers_, body_}; }
    const std::string& text() const { return text_; }

    // The same request with the first `from` in it replaced by `to`.
    RawRequest with(std::string_view from, std::string_view to) const {
        std::string changed = text_;
        return RawRequest(changed.replace(changed.find(from), from.size(), to));
    }

    // The same request with `line`, without its line end, as one more header.
    RawRequest with_header(std::string_view line) const {
        return with("\n\n", "\n" + std::string(line) + "\n\n");
    }

  private:
    void parse() {
        headers_.clear();
        std::string_view rest = text_;
        std::string_view first = take_line(rest);
        method_ = first.substr(0, first.find(' '));
        first.remove_prefix(std::min(first.size(), method_.size() + 1));
        target_ = first.substr(0, first.rfind(' '));
        for (auto line = take_line(rest); !line.empty(); line = take_line(rest))
            headers_.push_back({line.substr(0, line.find(':')), line.substr(line.find(':') + 1)});
        body_ = rest;
    }

    static std::string_view take_line(std::string_view& rest) {
        auto end = rest.find('\n');
        auto line = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        return line;
    }

    std::string text_;
    std::string_view method_, target_, body_;
    std::vector<Header> headers_;
};

// `request` with the headers of its signature.
inline RawRequest signed_request(const RawRequest& request, const Signer& signer, UnixMs now_ms) {
    RawRequest out = request;
    auto added = sign(request.view(), signer, now_ms).value();
    for (const auto& header : added) out = out.with_header(fmt::format("{}: {}", header.name, header.value));
    return out;
}

// `request` with the query of a presigned one.
inline RawRequest presigned_request(const RawRequest& request, const Signer& signer, UnixMs now_ms,
                                    std::int64_t expires_s) {
    auto target = presign(request.view(), signer, now_ms, expires_s).value();
    return request.with(request.view().target, target);
}

inline UnixMs at_time(std::string_view amz_date) {
    return parse_amz_date(amz_date).value();
}

// What the whole of a check says: the fault, or nothing when the request is good.
inline std::optional<AuthFault> fault_of(const SignedRequest& request, std::string_view secret, UnixMs now_ms,
                                         std::int64_t max_skew_ms = default_max_skew_ms) {
    auto claim = read_claim(request, now_ms, max_skew_ms);
    if (!claim) return claim.error().fault;
    auto status = verify(*claim, request, secret);
    return status ? std::nullopt : std::optional(status.error().fault);
}

}  // namespace lodge::auth
