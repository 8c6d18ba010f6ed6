// read_claim: from a request's text to a Claim, in three steps. The parts are found (in the header or the
// query), then read one by one, then held against the clock.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/auth/canonical.h"
#include "proto/base/encoding.h"
#include "proto/base/letters.h"
#include "proto/base/number.h"

namespace lodge::auth {
namespace {

constexpr std::size_t max_signed_headers = 100;
constexpr std::size_t max_name_size = 256;
constexpr std::size_t max_token_size = std::size_t{16} * 1024;

tl::unexpected<AuthError> malformed(std::string message) {
    return refuse(AuthFault::malformed, std::move(message));
}

template <class T>
tl::unexpected<AuthError> error_of(AuthResult<T>& result) {
    return tl::unexpected<AuthError>(std::move(result).error());
}

bool letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// What access keys, regions and services consist of; so they are safe in messages and as keys of a cache.
bool plain_word(std::string_view text, std::size_t max_size) {
    return !text.empty() && text.size() <= max_size && std::all_of(text.begin(), text.end(), [](char c) {
        return letter_or_digit(c) || c == '-' || c == '_';
    });
}

// RFC 9110, 5.6.2.
bool http_token(std::string_view text) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return !text.empty() && text.size() <= max_name_size &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return letter_or_digit(c) || others.find(c) != std::string_view::npos;
           });
}

bool signature_shaped(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::vector<std::string_view> split(std::string_view text, char separator, std::size_t max_pieces) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at != std::string_view::npos && pieces.size() < max_pieces;) {
        auto end = text.find(separator, at);
        pieces.push_back(text.substr(at, end == std::string_view::npos ? end : end - at));
        at = end == std::string_view::npos ? end : end + 1;
    }
    return pieces;
}

// ---- Finding the parts ----

// What both forms carry, still as text. Nothing stands for a part that is not there.
struct Parts {
    using Part = std::optional<std::string>;
    bool presigned = false;
    Part algorithm, credential, signed_headers, signature, amz_date, expires, session_token;
};

// The headers that matter here; each may be there once.
struct AuthHeaders {
    std::optional<std::string_view> authorization, amz_date, date, session_token;
};

AuthResult<AuthHeaders> find_headers(std::span<const Header> headers) {
    constexpr std::size_t longest = std::string_view("x-amz-security-token").size();
    AuthHeaders found;
    for (const Header& header : headers) {
        if (header.name.size() > longest) continue;
        std::string name = lower_case(header.name);
        auto* slot = name == "authorization"          ? &found.authorization
                     : name == "x-amz-date"           ? &found.amz_date
                     : name == "date"                 ? &found.date
                     : name == "x-amz-security-token" ? &found.session_token
                                                      : nullptr;
        if (slot == nullptr) continue;
        if (*slot) return malformed(fmt::format("The header '{}' is there twice.", name));
        *slot = header.value;
    }
    return found;
}

Parts::Part* part_of_header(Parts& parts, std::string_view name) {
    if (name == "Credential") return &parts.credential;
    if (name == "SignedHeaders") return &parts.signed_headers;
    if (name == "Signature") return &parts.signature;
    return nullptr;
}

// `value` is all that stands behind "Authorization:".
AuthResult<Parts> parse_authorization(std::string_view value) {
    value = trim(value);
    auto end_of_word = value.find_first_of(" \t");
    Parts parts;
    parts.algorithm = value.substr(0, end_of_word);
    // Said before the parts are looked at: another scheme has other parts.
    if (*parts.algorithm != algorithm)
        return malformed(fmt::format("The Authorization header is not of the form '{} …'.", algorithm));
    value.remove_prefix(std::min(end_of_word, value.size()));
    for (auto piece : split(value, ',', 4)) {
        auto equals = piece.find('=');
        auto* part = part_of_header(parts, trim(piece.substr(0, equals)));
        if (part == nullptr || *part || equals == std::string_view::npos)
            return malformed(
                "The Authorization header is not made of one Credential, SignedHeaders and Signature.");
        *part = trim(piece.substr(equals + 1));
    }
    return parts;
}

Parts::Part* part_of_query(Parts& parts, std::string_view name) {
    if (name == "X-Amz-Algorithm") return &parts.algorithm;
    if (name == "X-Amz-Credential") return &parts.credential;
    if (name == "X-Amz-SignedHeaders") return &parts.signed_headers;
    if (name == signature_parameter) return &parts.signature;
    if (name == "X-Amz-Date") return &parts.amz_date;
    if (name == "X-Amz-Expires") return &parts.expires;
    if (name == "X-Amz-Security-Token") return &parts.session_token;
    return nullptr;
}

AuthResult<Parts> parse_presigned(std::string_view query) {
    auto pairs = parse_query(query);
    if (!pairs) return malformed("The query is not percent-encoded as it should be, or too long.");
    Parts parts;
    for (auto& pair : *pairs) {
        auto* part = part_of_query(parts, pair.name);
        if (part == nullptr) continue;
        if (*part) return malformed(fmt::format("The parameter '{}' is there twice.", pair.name));
        *part = std::move(pair.value);
    }
    parts.presigned = parts.algorithm || parts.credential || parts.signature;
    return parts;
}

// The day and time of an IMF-fixdate (RFC 9110, 5.6.7), "Sun, 30 Aug 2015 12:36:00 GMT", as SigV4 writes it.
std::optional<std::string> amz_date_of_http_date(std::string_view text) {
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
    auto month = months.find(text.substr(8, 3));
    if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
    return fmt::format("{}{:02}{}T{}{}{}Z", text.substr(12, 4), month / 3 + 1, text.substr(5, 2),
                       text.substr(17, 2), text.substr(20, 2), text.substr(23, 2));
}

AuthResult<Parts> parts_of_header(const AuthHeaders& headers) {
    auto parts = parse_authorization(*headers.authorization);
    if (!parts) return parts;
    if (headers.amz_date)
        parts->amz_date = trim(*headers.amz_date);
    else if (headers.date)
        parts->amz_date =
            amz_date_of_http_date(trim(*headers.date)).value_or(std::string(trim(*headers.date)));
    if (headers.session_token) parts->session_token = trim(*headers.session_token);
    return parts;
}

AuthResult<Parts> find_parts(const SignedRequest& request) {
    auto headers = find_headers(request.headers);
    if (!headers) return error_of(headers);
    auto query = parse_presigned(query_of(request.target));
    if (!query) return query;
    if (!headers->authorization && !query->presigned)
        return refuse(AuthFault::missing, "The request carries no signature.");
    if (headers->authorization && query->presigned)
        return malformed("The request is signed in its header and in its query; one of them must go.");
    return query->presigned ? query : parts_of_header(*headers);
}

// ---- Reading the parts ----

AuthStatus require_all(const Parts& parts) {
    auto lacks = [](std::string_view what) {
        return malformed(fmt::format("The signature has no {}.", what));
    };
    if (!parts.algorithm) return lacks("X-Amz-Algorithm");
    if (*parts.algorithm != algorithm) return malformed(fmt::format("The algorithm is not {}.", algorithm));
    if (!parts.credential) return lacks("Credential");
    if (!parts.signed_headers) return lacks("SignedHeaders");
    if (!parts.signature) return lacks("Signature");
    if (!parts.amz_date) return lacks(parts.presigned ? "X-Amz-Date" : "X-Amz-Date or Date header");
    if (parts.presigned && !parts.expires) return lacks("X-Amz-Expires");
    return {};
}

// "AKIDEXAMPLE/20150830/us-east-1/ec2/aws4_request".
AuthStatus read_credential(std::string_view text, Claim& claim) {
    auto pieces = split(text, '/', 6);
    if (pieces.size() != 5)
        return malformed("The Credential is not of the form KEY/DATE/REGION/SERVICE/aws4_request.");
    if (pieces[4] != terminator)
        return refuse(AuthFault::bad_scope,
                      fmt::format("The Credential's scope does not end in '{}'.", terminator));
    if (!plain_word(pieces[0], 128) || !plain_word(pieces[2], 64) || !plain_word(pieces[3], 64))
        return malformed("The Credential's access key, region or service is not a word.");
    claim.access_key = pieces[0];
    claim.date = pieces[1];
    claim.region = pieces[2];
    claim.service = pieces[3];
    return {};
}

AuthStatus read_date(std::string_view text, Claim& claim) {
    auto time_ms = parse_amz_date(text);
    if (!time_ms) return malformed("The date of signing is not of the form YYYYMMDDThhmmssZ.");
    if (claim.date != text.substr(0, 8))
        return refuse(AuthFault::bad_scope,
                      "The Credential's scope is for another day than the date of signing.");
    claim.amz_date = text;
    claim.signed_at_ms = *time_ms;
    return {};
}

AuthStatus read_expires(std::string_view text, Claim& claim) {
    claim.expires_s = parse_number<std::int64_t>(text).value_or(0);
    if (claim.expires_s < 1 || claim.expires_s > limit_expires_s)
        return malformed(fmt::format("X-Amz-Expires is not a number from 1 to {}.", limit_expires_s));
    return {};
}

AuthStatus read_signed_headers(std::string_view text, Claim& claim) {
    auto names = split(text, ';', max_signed_headers + 1);
    if (names.size() > max_signed_headers)
        return malformed(fmt::format("More than {} headers are signed.", max_signed_headers));
    if (!std::all_of(names.begin(), names.end(), http_token))
        return malformed("SignedHeaders is not a list of header names.");
    for (auto name : names) claim.signed_headers.push_back(lower_case(name));
    auto& list = claim.signed_headers;
    std::sort(list.begin(), list.end());
    if (std::adjacent_find(list.begin(), list.end()) != list.end())
        return malformed("SignedHeaders names a header twice.");
    if (!std::binary_search(list.begin(), list.end(), "host"))
        return malformed("SignedHeaders lacks 'host'.");
    return {};
}

AuthResult<Claim> read_parts(const Parts& parts) {
    Claim claim;
    claim.presigned = parts.presigned;
    auto status = require_all(parts);
    if (status) status = read_credential(*parts.credential, claim);
    if (status) status = read_date(*parts.amz_date, claim);
    if (status && parts.presigned) status = read_expires(*parts.expires, claim);
    if (status) status = read_signed_headers(*parts.signed_headers, claim);
    if (!status) return error_of(status);
    if (!signature_shaped(*parts.signature))
        return malformed("The Signature is not 64 lower-case hexadecimal digits.");
    claim.signature = *parts.signature;
    claim.session_token = parts.session_token.value_or("");
    if (claim.session_token.size() > max_token_size) return malformed("The security token is too long.");
    return claim;
}

// ---- The clock ----

AuthStatus check_time(const Claim& claim, UnixMs now_ms, std::int64_t max_skew_ms) {
    max_skew_ms = std::clamp<std::int64_t>(max_skew_ms, 0, limit_max_skew_ms);
    if (claim.signed_at_ms - max_skew_ms > now_ms)
        return refuse(AuthFault::in_future,
                      fmt::format("Signature not yet current: {} is still later than {}", claim.amz_date,
                                  format_amz_date(now_ms + max_skew_ms)));
    auto good_until_ms = claim.signed_at_ms + (claim.presigned ? claim.expires_s * 1000 : max_skew_ms);
    if (now_ms <= good_until_ms) return {};
    return refuse(AuthFault::expired,
                  fmt::format("Signature expired: {} was good until {}, and it is {}", claim.amz_date,
                              format_amz_date(good_until_ms), format_amz_date(now_ms)));
}

}  // namespace

AuthResult<Claim> read_claim(const SignedRequest& request, UnixMs now_ms, std::int64_t max_skew_ms) {
    auto parts = find_parts(request);
    if (!parts) return error_of(parts);
    auto claim = read_parts(*parts);
    if (!claim) return claim;
    if (auto status = check_time(*claim, now_ms, max_skew_ms); !status) return error_of(status);
    return claim;
}

}  // namespace lodge::auth
