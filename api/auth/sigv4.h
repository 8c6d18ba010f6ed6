// AWS Signature Version 4: reads and verifies what clients sign, in the header form and in the query form
// (presigned requests), and signs for tests and for our own client. Source: IAM user guide, "Create a signed
// AWS API request" and "Elements of an AWS API request signature".
//
// Pure functions over the caller's bytes; any thread. No input, however hostile, gets worse than an
// AuthError, in time linear to its size (the query: n log n). The usual order is read_claim, look up the
// secret of claim.access_key, verify; nothing of a claim is to be believed before verify has said yes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/auth/error.h"
#include "proto/base/clock.h"

namespace lodge::auth {

class SigningKeys;

struct Header {
    std::string_view name;
    std::string_view value;
};

// A request as it came over the wire. Borrows everything: the bytes must outlive the call they are passed to.
struct SignedRequest {
    std::string_view method;
    std::string_view target;          // path?query, as received, not decoded
    std::span<const Header> headers;  // in the order received; names in any case
    std::string_view body;
};

// What a request says of itself; unverified.
struct Claim {
    std::string access_key;
    std::string date;  // YYYYMMDD of the scope, equal to the day of `amz_date`
    std::string region;
    std::string service;
    std::string amz_date;  // "20150830T123600Z"
    UnixMs signed_at_ms = 0;
    bool presigned = false;
    std::int64_t expires_s = 0;               // seconds a presigned request is good for; 0 in the header form
    std::vector<std::string> signed_headers;  // lower-case, sorted, no two alike, "host" among them
    std::string signature;                    // 64 lower-case hexadecimal digits
    std::string session_token;                // empty when there is none
};

inline constexpr std::int64_t default_max_skew_ms = 5LL * 60 * 1000;
inline constexpr std::int64_t limit_max_skew_ms = 15LL * 60 * 1000;
inline constexpr std::int64_t limit_expires_s = 7LL * 24 * 3600;

// Reads the signature that `request` carries and holds its time against `now_ms`: in the header form the two
// may differ by `max_skew_ms` either way (cut to limit_max_skew_ms), a presigned request may not be that far
// ahead and is good until its expiry to the second. Refused: no signature; one in the header and one in the
// query; an algorithm other than AWS4-HMAC-SHA256; a part that is absent, twice there or misshapen; a scope
// of another day than the request's; "host" not signed.
AuthResult<Claim> read_claim(const SignedRequest& request, UnixMs now_ms,
                             std::int64_t max_skew_ms = default_max_skew_ms);

// Whether the claim's signature is the one that `secret` gives over `request`, the request that the claim was
// read from. The body always counts: UNSIGNED-PAYLOAD is S3's and not accepted. Compares in constant time.
AuthStatus verify(const Claim& claim, const SignedRequest& request, std::string_view secret);

// The same with the derived key out of `keys`, where it is left for the next request once the signature has
// matched.
AuthStatus verify(const Claim& claim, const SignedRequest& request, std::string_view secret,
                  SigningKeys& keys);

// Whose signature to make, and for which region and service.
struct Signer {
    std::string access_key;
    std::string secret;
    std::string session_token;  // may be empty
    std::string region;
    std::string service;
};

struct OwnedHeader {
    std::string name;
    std::string value;
};

// The headers to add to `request` (X-Amz-Date, X-Amz-Security-Token where there is a token, Authorization) so
// that it is signed as of `now_ms`. Signed are Host, which must be among the request's headers, Content-Type
// and X-Amz-*.
AuthResult<std::vector<OwnedHeader>> sign(const SignedRequest& request, const Signer& signer, UnixMs now_ms);

// The target of `request` with the query of a presigned request added; only Host is signed.
AuthResult<std::string> presign(const SignedRequest& request, const Signer& signer, UnixMs now_ms,
                                std::int64_t expires_s);

}  // namespace lodge::auth
