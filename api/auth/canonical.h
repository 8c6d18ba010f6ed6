// The canonical form of a request, which both sides of a signature compute for themselves. Internal to
// api/auth. Source: IAM user guide, "Create a signed AWS API request", steps 1 to 3. Pure functions; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/auth/sigv4.h"

namespace lodge::auth {

inline constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view terminator = "aws4_request";
inline constexpr std::string_view signature_parameter = "X-Amz-Signature";

std::string_view path_of(std::string_view target);
// Without the '?'; empty when there is none.
std::string_view query_of(std::string_view target);

// Without the blanks and tabs at either end.
std::string_view trim(std::string_view text);

struct QueryPair {
    std::string name;
    std::string value;
};

inline constexpr std::size_t max_query_pairs = 10'000;

// The decoded pairs in order; '+' is a blank, as it is to whoever reads the parameters afterwards. Empty
// pieces are dropped. Nothing when a '%' is not followed by two hexadecimal digits, or for more than
// max_query_pairs pairs.
std::optional<std::vector<QueryPair>> parse_query(std::string_view query);

// The path with dot segments and repeated slashes taken out (RFC 3986, 5.2.4, and AWS's addition to it), then
// percent-encoded as it stands: what arrived encoded is encoded twice, as AWS has it for all services but S3.
std::string canonical_uri(std::string_view path);

// Sorted by encoded name, then value; X-Amz-Signature left out. Nothing where parse_query gives nothing.
std::optional<std::string> canonical_query(std::string_view query);

// "name:value\n" for each of `names` (lower-case, sorted): blanks trimmed and folded, several of one name
// joined by commas. bad_signature when the request lacks one of them.
AuthResult<std::string> canonical_headers(std::span<const Header> headers,
                                          const std::vector<std::string>& names);

// "host;x-amz-date".
std::string join_names(const std::vector<std::string>& names);

// The text that gets signed, over a request of which `names` are signed. `body_hash` is the SHA-256 of its
// body in hexadecimal, `scope` is like "20150830/us-east-1/ec2/aws4_request".
AuthResult<std::string> string_to_sign(const SignedRequest& request, const std::vector<std::string>& names,
                                       std::string_view body_hash, std::string_view amz_date,
                                       std::string_view scope);

std::string scope_of(std::string_view date, std::string_view region, std::string_view service);

// "20150830T123600Z".
std::string format_amz_date(UnixMs time_ms);

}  // namespace lodge::auth
