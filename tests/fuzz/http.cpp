// The HTTP server's parser: the same requests come out however the bytes arrive, and none over the limits.
#include <algorithm>

#include "proto/http/file_slice.h"
#include "proto/http/parser.h"
#include "tests/fuzz/fuzz.h"

namespace lodge::fuzz {
namespace {

using http::Request;
using http::RequestParser;
using Progress = RequestParser::Progress;

constexpr http::Limits limits = {.header_bytes = 512, .header_count = 12, .body_bytes = 256};
constexpr std::size_t most_requests = 8;

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
}

void check_request(const Request& request, bool http10) {
    promise(!request.method.empty() && !request.target.empty(), "a request has a method and a target");
    promise(!has_control(request.target) && request.target.find(' ') == std::string::npos,
            "a target is one word");
    promise(request.headers.size() <= limits.header_count && request.body.size() <= limits.body_bytes,
            "limits hold");
    int hosts = 0;
    int lengths = 0;
    int encodings = 0;
    for (const auto& [name, value] : request.headers) {
        Request one;
        one.headers = {{name, value}};
        hosts += one.header("host") ? 1 : 0;
        lengths += one.header("content-length") ? 1 : 0;
        encodings += one.header("transfer-encoding") ? 1 : 0;
        promise(!name.empty() && !has_control(name) && !has_control(value), "headers are lines");
    }
    promise(hosts == 1 || (http10 && hosts == 0), "there is one Host");
    promise(lengths + encodings <= 1, "there is one framing");
    if (const auto* range = request.header("Range")) {
        http::ByteRange bytes{};
        if (http::parse_range(*range, 1000, bytes) == http::RangeKind::part)
            promise(bytes.first <= bytes.last && bytes.last < 1000, "a range lies in its body");
    }
}

struct Outcome {
    std::vector<Request> requests;
    bool rejected = false;
};

// One connection's reading, as connection_read.cpp does it.
class Reader {
  public:
    void take(std::string_view bytes) {
        if (outcome_.rejected) return;
        auto room = in_.prepare(bytes.size());
        std::copy(bytes.begin(), bytes.end(), static_cast<char*>(room.data()));
        in_.commit(bytes.size());
        while (in_.size() > 0 && step()) {
        }
    }
    Outcome& outcome() { return outcome_; }

  private:
    // Whether there may be more in what has come.
    bool step() {
        switch (parser_->feed(in_)) {
            case Progress::need_more:
                return false;
            case Progress::header_done:
                return true;
            case Progress::rejected:
                promise(parser_->status() >= 400 && parser_->status() < 500 && !parser_->reason().empty(),
                        "the client is told why");
                outcome_.rejected = true;
                return false;
            case Progress::complete:
                check_request(parser_->request(), parser_->http10());
                outcome_.requests.push_back(std::move(parser_->request()));
                parser_.emplace(limits, limits.body_bytes);
                return outcome_.requests.size() < most_requests;
        }
        return false;
    }

    boost::beast::flat_buffer in_;
    std::optional<RequestParser> parser_{std::in_place, limits, limits.body_bytes};
    Outcome outcome_;
};

bool same(const Request& a, const Request& b) {
    return a.method == b.method && a.target == b.target && a.headers == b.headers && a.body == b.body;
}

bool same(const std::vector<Request>& a, const std::vector<Request>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Request& x, const Request& y) { return same(x, y); });
}

Outcome read_in_pieces(std::string_view text, std::size_t piece_bytes) {
    Reader reader;
    for (std::size_t at = 0; at < text.size() && reader.outcome().requests.size() < most_requests;
         at += piece_bytes)
        reader.take(text.substr(at, piece_bytes));
    return std::move(reader.outcome());
}

}  // namespace
}  // namespace lodge::fuzz

// When bytes drip, what is wrong with a request may only show with the next ones: so the requests count, not
// the rejection.
LODGE_FUZZ_TARGET(text) {
    using namespace lodge::fuzz;
    auto whole = read_in_pieces(text, text.size() + 1);
    for (std::size_t piece_bytes : {std::size_t{1}, std::size_t{7}, text.size() / 2 + 1})
        promise(same(read_in_pieces(text, piece_bytes).requests, whole.requests),
                "requests are the same however they arrive");
}
