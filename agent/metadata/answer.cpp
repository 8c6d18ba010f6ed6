#include "agent/metadata/answer.h"

#include "proto/base/number.h"

namespace lodge::agent {
namespace {

constexpr std::string_view token_path = "/latest/api/token";
constexpr const char* token_header = "X-aws-ec2-metadata-token";
constexpr const char* ttl_header = "X-aws-ec2-metadata-token-ttl-seconds";

http::Response text(int status, std::string body) {
    http::Response response;
    response.status = status;
    response.content_type = "text/plain";
    response.body = std::move(body);
    return response;
}

http::Response refusal(int status) {
    switch (status) {
        case 400:
            return text(400, "400 - Bad Request");
        case 401:
            return text(401, "401 - Unauthorized");
        case 403:
            return text(403, "403 - Forbidden");
        case 405:
            return text(405, "405 - Method Not Allowed");
        default:
            return text(404, "404 - Not Found");
    }
}

// Never a 404 for what may be there: cloud-init would go on without.
http::Response ask_again() {
    auto response = text(503, "503 - Service Unavailable");
    response.headers.emplace_back("Retry-After", "1");
    return response;
}

// The reply goes no further than the hop limit, as EC2 has it for this one alone: what a container behind the
// guest asks without a token it may well get.
//
// A proxy that was tricked into asking says so, and gets nothing.
http::Response give_token(const MetadataGuest& guest, const http::Request& request, const TokenSeal& seal,
                          UnixMs now_ms) {
    if (request.header("X-Forwarded-For")) return refusal(403);
    const auto* wish = request.header(ttl_header);
    if (!wish) return refusal(400);
    const auto ttl_s = parse_number<std::int64_t>(*wish);
    if (!ttl_s || *ttl_s < 1 || *ttl_s > longest_token_s) return refusal(400);
    auto response = text(200, seal.make(guest.instance_id, *ttl_s, now_ms));
    response.headers.emplace_back(ttl_header, std::to_string(*ttl_s));
    response.hop_limit = guest.hop_limit;
    return response;
}

bool may_read(const MetadataGuest& guest, const http::Request& request, const TokenSeal& seal,
              UnixMs now_ms) {
    const auto* token = request.header(token_header);
    if (!token) return !guest.http_tokens_required;
    return seal.is_good(*token, guest.instance_id, now_ms);
}

}  // namespace

http::Response answer_metadata(const MetadataGuest& guest, const http::Request& request,
                               const TokenSeal& seal, UnixMs now_ms) {
    if (!guest.http_endpoint) return refusal(403);
    const bool is_token = request.target == token_path;
    if (is_token && request.method == "PUT") return give_token(guest, request, seal, now_ms);
    if (is_token || (request.method != "GET" && request.method != "HEAD")) return refusal(405);
    if (!may_read(guest, request, seal, now_ms)) return refusal(401);
    auto found = guest.tree.find(request.target);
    if (!found) return refusal(404);
    if (found->not_yet) return ask_again();
    auto response = text(200, std::move(found->text));
    if (found->is_bytes) response.content_type = "application/octet-stream";
    return response;
}

}  // namespace lodge::agent
