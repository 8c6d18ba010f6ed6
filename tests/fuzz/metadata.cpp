// A guest's request to the metadata service, from bytes to the answer: proto/http's parser, agent/metadata.
#include "agent/metadata/answer.h"
#include "proto/http/parser.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/metadata/guests.h"

namespace lodge::fuzz {
namespace {

using agent::MetadataGuest;

constexpr UnixMs now_ms = 1795464780000;
const http::Limits limits = {.header_bytes = 8192, .header_count = 64, .body_bytes = 0};
const agent::TokenSeal seal("of thirty-two bytes, and unknown.");

const MetadataGuest& guest(bool token_required) {
    static const auto launch = agent::example_launch();
    static const auto desired = agent::example_guest();
    static const MetadataGuest open = {desired.instance_id, true, false, 1, {desired, &launch}};
    static const MetadataGuest closed = {desired.instance_id, true, true, 1, {desired, &launch}};
    return token_required ? closed : open;
}

// `has_token`: there was none that this could be, so that one that passes was forged.
void check(const http::Request& request) {
    for (bool token_required : {false, true}) {
        auto response = agent::answer_metadata(guest(token_required), request, seal, now_ms);
        promise(response.status >= 200 && response.status < 500, "a guest gets an answer or is refused");
        if (response.status != 200) continue;
        const bool gives_token = request.method == "PUT";
        promise(gives_token == (request.target == "/latest/api/token"), "only a token is PUT");
        promise(gives_token || !token_required, "no token can be forged");
        promise(!gives_token || !request.header("X-Forwarded-For"), "no proxy gets a token");
    }
}

}  // namespace
}  // namespace lodge::fuzz

LODGE_FUZZ_TARGET(text) {
    using namespace lodge;
    using namespace lodge::fuzz;
    using Progress = http::RequestParser::Progress;
    http::RequestParser parser(limits, limits.body_bytes);
    boost::beast::flat_buffer in;
    auto room = in.prepare(text.size());
    std::copy(text.begin(), text.end(), static_cast<char*>(room.data()));
    in.commit(text.size());
    auto progress = parser.feed(in);
    if (progress == Progress::header_done) progress = parser.feed(in);
    if (progress == Progress::complete) check(parser.request());
}
