#include "proto/http/outgoing.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/status.hpp>
#include <charconv>

namespace lodge::http {
namespace {

namespace beast = boost::beast;

constexpr std::size_t piece_bytes = 256UL * 1024;
// A body up to this size is copied behind its head: one write.
constexpr std::size_t joined_body_bytes = 16UL * 1024;

bool token_char(char c) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
}

bool value_char(char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

bool value_fit(std::string_view value) {
    return std::all_of(value.begin(), value.end(), value_char);
}

bool header_fit(const std::pair<std::string, std::string>& header) {
    return !header.first.empty() && std::all_of(header.first.begin(), header.first.end(), token_char) &&
           value_fit(header.second);
}

bool headers_fit(const Response& response) {
    return value_fit(response.content_type) &&
           std::all_of(response.headers.begin(), response.headers.end(), header_fit);
}

// Headers that only the server sets.
bool reserved(std::string_view name) {
    constexpr std::array<std::string_view, 5> names = {"connection", "content-length", "date", "server",
                                                       "transfer-encoding"};
    return std::any_of(names.begin(), names.end(), [name](auto r) { return beast::iequals(r, name); });
}

bool bodyless(int status) {
    return status == 204 || status == 304;
}

void append_number(std::string& out, std::uint64_t number) {
    std::array<char, 20> digits;
    auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

std::string content_range(std::string_view which, std::uint64_t size) {
    return "bytes " + std::string(which) + '/' + std::to_string(size);
}

}  // namespace

std::optional<Refusal> Outgoing::prepare(Response& response, const ReplyFacts& facts) {
    file_.reset();
    if (response.status < 200 || response.status > 599)
        return Refusal{500, "The service answered with a status that does not exist."};
    if (!headers_fit(response)) return Refusal{500, "The service answered with an unfit header."};
    return response.file ? prepare_file(response, facts) : std::nullopt;
}

std::optional<Refusal> Outgoing::prepare_file(Response& response, const ReplyFacts& facts) {
    file_ = FileSlice::open(*response.file);
    if (!file_) return Refusal{404, "The file does not exist."};
    response.headers.emplace_back("Accept-Ranges", "bytes");
    if (facts.range.empty() || response.status != 200) return std::nullopt;
    ByteRange range{};
    auto size = file_->size();
    switch (parse_range(facts.range, size, range)) {
        case RangeKind::whole:
            return std::nullopt;
        case RangeKind::unsatisfiable:
            return Refusal{416, "The file has no such range.", {{"Content-Range", content_range("*", size)}}};
        case RangeKind::part:
            break;
    }
    file_->narrow(range);
    response.status = 206;
    response.headers.emplace_back(
        "Content-Range", content_range(std::to_string(range.first) + '-' + std::to_string(range.last), size));
    return std::nullopt;
}

void Outgoing::start(Response response, const ReplyFacts& facts, std::string_view date) {
    if (file_) response.body.clear();
    write_head(response, facts, date);
    body_.clear();
    body_at_ = 0;
    head_sent_ = false;
    if (facts.head_request || bodyless(response.status)) {
        file_.reset();
    } else if (response.body.size() <= joined_body_bytes) {
        head_ += response.body;
    } else {
        body_ = std::move(response.body);
    }
}

void Outgoing::write_head(const Response& response, const ReplyFacts& facts, std::string_view date) {
    head_.clear();
    head_ += "HTTP/1.1 ";
    append_number(head_, static_cast<std::uint64_t>(response.status));
    head_ += ' ';
    head_ += std::string_view(
        beast::http::obsolete_reason(beast::http::int_to_status(static_cast<unsigned>(response.status))));
    head_ += "\r\nServer: lodge\r\n";
    append_header(head_, "Date", date);
    if (!response.content_type.empty()) append_header(head_, "Content-Type", response.content_type);
    for (const auto& [name, value] : response.headers)
        if (!reserved(name)) append_header(head_, name, value);
    if (!bodyless(response.status)) {
        head_ += "Content-Length: ";
        append_number(head_, file_ ? file_->left() : response.body.size());
        head_ += "\r\n";
    }
    if (!facts.keep_alive) head_ += "Connection: close\r\n";
    if (facts.keep_alive && facts.http10) head_ += "Connection: keep-alive\r\n";
    head_ += "\r\n";
}

std::optional<Outgoing::Piece> Outgoing::next() {
    if (file_ && !read_file()) return std::nullopt;
    Piece piece;
    if (!head_sent_) piece[0] = net::buffer(head_);
    head_sent_ = true;
    auto size = std::min(body_.size() - body_at_, piece_bytes);
    piece[1] = net::buffer(body_.data() + body_at_, size);
    body_at_ += size;
    if (net::buffer_size(piece) == 0) std::string().swap(body_);
    return piece;
}

bool Outgoing::read_file() {
    body_at_ = 0;
    if (!file_->read(body_, piece_bytes)) return false;
    if (file_->left() == 0) file_.reset();
    return true;
}

}  // namespace lodge::http
