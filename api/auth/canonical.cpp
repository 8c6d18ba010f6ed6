#include "api/auth/canonical.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "proto/base/encoding.h"
#include "proto/base/letters.h"

namespace lodge::auth {
namespace {

bool blank(char c) {
    return c == ' ' || c == '\t';
}

// The place of `name` (in any case) among the sorted, lower-case `names`; names.size() when it is not there.
std::size_t index_of(const std::vector<std::string>& names, std::string_view name) {
    std::string lower = lower_case(name);
    auto at = std::lower_bound(names.begin(), names.end(), lower);
    if (at == names.end() || *at != lower) return names.size();
    return static_cast<std::size_t>(at - names.begin());
}

void append_folded(std::string& out, std::string_view value) {
    bool after_blank = false;
    for (char c : trim(value)) {
        if (blank(c)) {
            after_blank = true;
            continue;
        }
        if (after_blank) out += ' ';
        after_blank = false;
        out += c;
    }
}

std::vector<std::string_view> path_segments(std::string_view path) {
    std::vector<std::string_view> kept;
    while (!path.empty()) {
        auto slash = path.find('/');
        auto segment = path.substr(0, slash);
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
        if (segment == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (!segment.empty() && segment != ".") {
            kept.push_back(segment);
        }
    }
    return kept;
}

std::optional<QueryPair> parse_pair(std::string_view piece) {
    auto equals = piece.find('=');
    auto name = percent_decode(piece.substr(0, equals), true);
    auto value = percent_decode(equals == std::string_view::npos ? "" : piece.substr(equals + 1), true);
    if (!name || !value) return std::nullopt;
    return QueryPair{std::move(*name), std::move(*value)};
}

}  // namespace

std::string_view path_of(std::string_view target) {
    return target.substr(0, target.find('?'));
}

std::string_view query_of(std::string_view target) {
    auto mark = target.find('?');
    return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

std::optional<std::vector<QueryPair>> parse_query(std::string_view query) {
    std::vector<QueryPair> pairs;
    while (!query.empty()) {
        auto end = query.find('&');
        auto piece = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (piece.empty()) continue;
        auto pair = parse_pair(piece);
        if (!pair || pairs.size() == max_query_pairs) return std::nullopt;
        pairs.push_back(std::move(*pair));
    }
    return pairs;
}

std::string canonical_uri(std::string_view path) {
    if (path.empty() || path == "/") return "/";
    std::string clean;
    for (auto segment : path_segments(path)) {
        clean += '/';
        clean += segment;
    }
    if (clean.empty() || path.back() == '/') clean += '/';
    return percent_encode(clean, true);
}

std::optional<std::string> canonical_query(std::string_view query) {
    auto pairs = parse_query(query);
    if (!pairs) return std::nullopt;
    std::erase_if(*pairs, [](const QueryPair& pair) { return pair.name == signature_parameter; });
    for (auto& pair : *pairs) pair = {percent_encode(pair.name), percent_encode(pair.value)};
    std::sort(pairs->begin(), pairs->end(), [](const QueryPair& a, const QueryPair& b) {
        return std::tie(a.name, a.value) < std::tie(b.name, b.value);
    });
    std::string out;
    for (const auto& pair : *pairs) {
        if (!out.empty()) out += '&';
        out += pair.name;
        out += '=';
        out += pair.value;
    }
    return out;
}

AuthResult<std::string> canonical_headers(std::span<const Header> headers,
                                          const std::vector<std::string>& names) {
    std::vector<std::optional<std::string>> values(names.size());
    for (const Header& header : headers) {
        auto at = index_of(names, header.name);
        if (at == names.size()) continue;
        if (values[at])
            *values[at] += ',';
        else
            values[at].emplace();
        append_folded(*values[at], header.value);
    }
    std::string out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!values[i])
            return refuse(AuthFault::bad_signature,
                          fmt::format("The header '{}' is signed but not in the request.", names[i]));
        out += names[i];
        out += ':';
        out += *values[i];
        out += '\n';
    }
    return out;
}

std::string join_names(const std::vector<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ";"));
}

AuthResult<std::string> string_to_sign(const SignedRequest& request, const std::vector<std::string>& names,
                                       std::string_view body_hash, std::string_view amz_date,
                                       std::string_view scope) {
    auto query = canonical_query(query_of(request.target));
    if (!query)
        return refuse(AuthFault::malformed, "The query is not percent-encoded as it should be, or too long.");
    auto headers = canonical_headers(request.headers, names);
    if (!headers) return tl::unexpected<AuthError>(std::move(headers).error());
    std::string canonical =
        fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, canonical_uri(path_of(request.target)), *query,
                    *headers, join_names(names), body_hash);
    return fmt::format("{}\n{}\n{}\n{}", algorithm, amz_date, scope, hex_encode(sha256(canonical)));
}

std::string scope_of(std::string_view date, std::string_view region, std::string_view service) {
    return fmt::format("{}/{}/{}/{}", date, region, service, terminator);
}

std::string format_amz_date(UnixMs time_ms) {
    std::string text = format_time(time_ms);
    text.resize(text.find('.'));
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text + 'Z';
}

}  // namespace lodge::auth
