// A request's signature, read and verified: api/auth. The input is a request as raw_request.h writes it.
#include "api/auth/canonical.h"
#include "api/auth/signing_keys.h"
#include "proto/base/letters.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/auth/raw_request.h"

namespace lodge::fuzz {
namespace {

using auth::RawRequest;
using auth::SignedRequest;

constexpr UnixMs now_ms = 1795464780000;  // 20261123T201300Z
// The seeds are signed with it, so that what follows a good signature is reached too.
const auth::Signer signer = {"AKIAIOSFODNN7EXAMPLE", "secret", "", "us-east-1", "ec2"};

bool good(const SignedRequest& request, std::string_view secret) {
    return !auth::fault_of(request, secret, now_ms);
}

void check_claim(const auth::Claim& claim) {
    promise(claim.signature.size() == 64 && claim.date.size() == 8 && claim.amz_date.starts_with(claim.date),
            "a claim's parts have their shape");
    promise(!claim.access_key.empty() && claim.access_key.find_first_of("\r\n\"<>& ") == std::string::npos,
            "an access key is a plain word");
    const auto& names = claim.signed_headers;
    promise(std::is_sorted(names.begin(), names.end()) &&
                std::find(names.begin(), names.end(), "host") != names.end(),
            "the host is signed");
}

// A kept key changes nothing, neither at its first use nor at later ones.
void check_cache(const auth::Claim& claim, const SignedRequest& request, bool is_good) {
    auth::SigningKeys keys(2);
    for (int i = 0; i < 2; ++i)
        promise(auth::verify(claim, request, signer.secret, keys).has_value() == is_good,
                "a kept key says the same");
    promise(keys.size() == (is_good ? 1U : 0U), "keys are kept for good claims alone");
}

void check_tampering(const SignedRequest& request) {
    promise(good(request, signer.secret), "what is signed is good");
    promise(!good(request, "another secret"), "another secret makes another signature");
    auto changed = request;
    auto body = std::string(request.body) + "&";
    changed.body = body;
    promise(!good(changed, signer.secret), "the body is signed");
    changed = request;
    changed.method = "DELETE";
    promise(request.method == "DELETE" || !good(changed, signer.secret), "the method is signed");
}

// Whether sign() and presign() are meant for it: nothing of a signature is there yet, and what gets signed
// has names that can be listed.
bool signable(const SignedRequest& request) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789-";
    constexpr std::string_view parts[] = {"date", "x-amz-date", "x-amz-security-token",
                                          "x-amz-content-sha256"};
    for (const auto& header : request.headers) {
        auto name = lower_case(header.name);
        if (name.empty() || name.size() > 64 || name.find_first_not_of(letters) != name.npos) return false;
        if (std::find(std::begin(parts), std::end(parts), name) != std::end(parts)) return false;
    }
    return request.headers.size() < 50 && auth::parse_query(auth::query_of(request.target)) &&
           auth::canonical_query(auth::query_of(request.target))->find("X-Amz-") == std::string::npos;
}

// Signs what came without a signature.
void check_signing(const RawRequest& request) {
    auto host = request.with_header("Host: h");
    if (!signable(host.view())) return;
    auto added = auth::sign(host.view(), signer, now_ms);
    promise(added.has_value(), "what is well-formed can be signed");
    std::vector<auth::Header> headers(host.view().headers.begin(), host.view().headers.end());
    for (const auto& each : *added) headers.push_back({each.name, each.value});
    auto in_header = host.view();
    in_header.headers = headers;
    check_tampering(in_header);
    auto target = auth::presign(host.view(), signer, now_ms, 60);
    promise(target.has_value(), "what is well-formed can be presigned");
    auto in_query = host.view();
    in_query.target = *target;
    check_tampering(in_query);
}

}  // namespace
}  // namespace lodge::fuzz

LODGE_FUZZ_TARGET(text) {
    using namespace lodge;
    using namespace lodge::fuzz;
    RawRequest request(text);
    auto view = request.view();
    auto uri = auth::canonical_uri(auth::path_of(view.target));
    promise(uri.starts_with('/'), "a canonical path is absolute");
    auto claim = auth::read_claim(view, now_ms);
    if (claim) {
        check_claim(*claim);
        check_cache(*claim, view, auth::verify(*claim, view, signer.secret).has_value());
    } else if (claim.error().fault == auth::AuthFault::missing && text.find("\n\n") != text.npos) {
        check_signing(request);
    }
}
