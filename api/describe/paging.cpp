#include "api/describe/paging.h"

#include "proto/base/encoding.h"

namespace lodge::describe {
namespace {

constexpr std::size_t mac_bytes = 16;

std::string mac(const api::RequestContext& context, std::string_view position) {
    std::string text =
        context.action + '\n' + context.account_id + '\n' + context.region + '\n' + std::string(position);
    return hmac_sha256(context.services.settings.paging_key, text).substr(0, mac_bytes);
}

}  // namespace

std::string make_token(const api::RequestContext& context, std::string_view position) {
    return base64_encode(mac(context, position) + std::string(position));
}

Result<std::string> read_token(const api::RequestContext& context, std::string_view token) {
    auto bytes = base64_decode(token);
    if (bytes && bytes->size() >= mac_bytes) {
        auto position = bytes->substr(mac_bytes);
        if (equal_in_constant_time(mac(context, position), bytes->substr(0, mac_bytes))) return position;
    }
    return fail(ErrorCode::invalid_next_token, token.substr(0, 100));
}

}  // namespace lodge::describe
