#include <algorithm>

#include "api/auth/canonical.h"
#include "api/auth/signing_keys.h"
#include "proto/base/encoding.h"
#include "proto/base/letters.h"

namespace lodge::auth {
namespace {

constexpr std::string_view content_hash_header = "x-amz-content-sha256";

// A signed X-Amz-Content-Sha256 must be the body's true hash, also where the rest would match.
bool content_hash_lies(const Claim& claim, const SignedRequest& request, std::string_view body_hash) {
    const auto& names = claim.signed_headers;
    if (!std::binary_search(names.begin(), names.end(), content_hash_header)) return false;
    return std::any_of(request.headers.begin(), request.headers.end(), [&](const Header& header) {
        return header.name.size() == content_hash_header.size() &&
               lower_case(header.name) == content_hash_header && trim(header.value) != body_hash;
    });
}

AuthStatus verify_with(const Claim& claim, const SignedRequest& request, const SigningKey& key) {
    std::string body_hash = hex_encode(sha256(request.body));
    if (content_hash_lies(claim, request, body_hash))
        return refuse(AuthFault::bad_signature,
                      "X-Amz-Content-Sha256 is not the hash of the request's body.");
    auto text = string_to_sign(request, claim.signed_headers, body_hash, claim.amz_date,
                               scope_of(claim.date, claim.region, claim.service));
    if (!text) return tl::unexpected<AuthError>(std::move(text).error());
    if (equal_in_constant_time(hex_encode(hmac_sha256(key, *text)), claim.signature)) return {};
    return refuse(
        AuthFault::bad_signature,
        "The request's signature is not the one that the secret access key gives over it; check the secret "
        "and the way of signing.");
}

}  // namespace

AuthStatus verify(const Claim& claim, const SignedRequest& request, std::string_view secret) {
    return verify_with(claim, request, derive_signing_key(secret, claim.date, claim.region, claim.service));
}

AuthStatus verify(const Claim& claim, const SignedRequest& request, std::string_view secret,
                  SigningKeys& keys) {
    if (auto key = keys.find(claim, secret)) return verify_with(claim, request, *key);
    auto key = derive_signing_key(secret, claim.date, claim.region, claim.service);
    auto status = verify_with(claim, request, key);
    if (status) keys.store(claim, secret, std::move(key));
    return status;
}

}  // namespace lodge::auth
