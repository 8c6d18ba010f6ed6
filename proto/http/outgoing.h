// Inside proto/http only: one response on its way out: head, then body in pieces.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "proto/http/asio.h"
#include "proto/http/file_slice.h"
#include "proto/http/server.h"

namespace lodge::http {

// What of the request and the connection the response's head depends on.
struct ReplyFacts {
    bool head_request = false;
    bool http10 = false;
    bool keep_alive = false;
    std::string range;  // the Range header of a GET without If-Range, else empty
};

struct Refusal {
    int status;
    std::string_view reason;
    Headers headers = {};  // to go with the answer
};

class Outgoing {
  public:
    // The first thing to call for a response. Opens its file and settles 206 or 416. A Refusal is to be sent
    // instead of it: the status is out of range, a header is unfit, or the file or range is not there.
    std::optional<Refusal> prepare(Response& response, const ReplyFacts& facts);

    // Then this. `date` is for the Date header.
    void start(Response response, const ReplyFacts& facts, std::string_view date);

    // The next piece, of at most 256 KiB beside the head; valid until the next call. Empty after the last
    // one. Nothing if the file has become shorter than the head said.
    using Piece = std::array<net::const_buffer, 2>;
    std::optional<Piece> next();

  private:
    std::optional<Refusal> prepare_file(Response& response, const ReplyFacts& facts);
    void write_head(const Response& response, const ReplyFacts& facts, std::string_view date);
    bool read_file();

    std::string head_;
    std::string body_;  // what is in memory; for a file, its present piece
    std::size_t body_at_ = 0;
    bool head_sent_ = false;
    std::optional<FileSlice> file_;
};

}  // namespace lodge::http
