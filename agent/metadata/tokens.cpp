#include "agent/metadata/tokens.h"

#include "proto/base/encoding.h"
#include "proto/base/number.h"

namespace lodge::agent {
namespace {

// "<expiry in seconds, hexadecimal>.<seal>", as base64.
constexpr char separator = '.';

}  // namespace

std::string TokenSeal::seal(const InstanceId& instance_id, std::string_view expiry) const {
    return hmac_sha256(key_, instance_id.str() + "/" + std::string(expiry));
}

std::string TokenSeal::make(const InstanceId& instance_id, std::int64_t ttl_s, UnixMs now_ms) const {
    auto expiry = std::to_string(now_ms / 1000 + ttl_s);
    return base64_encode(expiry + separator + seal(instance_id, expiry));
}

bool TokenSeal::is_good(std::string_view token, const InstanceId& instance_id, UnixMs now_ms) const {
    if (token.size() > 200) return false;
    auto bytes = base64_decode(token);
    if (!bytes) return false;
    auto at = bytes->find(separator);
    if (at == std::string::npos) return false;
    auto expiry = std::string_view(*bytes).substr(0, at);
    if (!equal_in_constant_time(std::string_view(*bytes).substr(at + 1), seal(instance_id, expiry)))
        return false;
    const auto expiry_s = parse_number<std::int64_t>(expiry);
    return expiry_s && now_ms / 1000 < *expiry_s;
}

}  // namespace lodge::agent
