#include <fmt/format.h>

#include <algorithm>

#include "api/auth/canonical.h"
#include "api/auth/signing_keys.h"
#include "proto/base/encoding.h"
#include "proto/base/letters.h"

namespace lodge::auth {
namespace {

std::vector<std::string> names_to_sign(std::span<const Header> headers) {
    std::vector<std::string> names;
    for (const Header& header : headers) {
        std::string name = lower_case(header.name);
        if (name == "host" || name == "content-type" || name.starts_with("x-amz-"))
            names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

AuthResult<std::string> signature_of(const SignedRequest& request, const std::vector<std::string>& names,
                                     const Signer& signer, std::string_view amz_date) {
    auto date = amz_date.substr(0, 8);
    auto text = string_to_sign(request, names, hex_encode(sha256(request.body)), amz_date,
                               scope_of(date, signer.region, signer.service));
    if (!text) return text;
    return hex_encode(
        hmac_sha256(derive_signing_key(signer.secret, date, signer.region, signer.service), *text));
}

std::string credential_of(const Signer& signer, std::string_view amz_date) {
    return fmt::format("{}/{}", signer.access_key,
                       scope_of(amz_date.substr(0, 8), signer.region, signer.service));
}

}  // namespace

AuthResult<std::vector<OwnedHeader>> sign(const SignedRequest& request, const Signer& signer, UnixMs now_ms) {
    std::string amz_date = format_amz_date(now_ms);
    std::vector<OwnedHeader> added = {{"X-Amz-Date", amz_date}};
    if (!signer.session_token.empty()) added.push_back({"X-Amz-Security-Token", signer.session_token});
    std::vector<Header> headers(request.headers.begin(), request.headers.end());
    for (const auto& header : added) headers.push_back({header.name, header.value});
    auto names = names_to_sign(headers);
    auto signature =
        signature_of({request.method, request.target, headers, request.body}, names, signer, amz_date);
    if (!signature) return tl::unexpected<AuthError>(std::move(signature).error());
    added.push_back(
        {"Authorization", fmt::format("{} Credential={}, SignedHeaders={}, Signature={}", algorithm,
                                      credential_of(signer, amz_date), join_names(names), *signature)});
    return added;
}

AuthResult<std::string> presign(const SignedRequest& request, const Signer& signer, UnixMs now_ms,
                                std::int64_t expires_s) {
    std::string amz_date = format_amz_date(now_ms);
    std::string target = fmt::format(
        "{}{}X-Amz-Algorithm={}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}&X-Amz-SignedHeaders=host",
        request.target, request.target.find('?') == std::string_view::npos ? '?' : '&', algorithm,
        percent_encode(credential_of(signer, amz_date)), amz_date, expires_s);
    if (!signer.session_token.empty())
        target += "&X-Amz-Security-Token=" + percent_encode(signer.session_token);
    auto signature =
        signature_of({request.method, target, request.headers, request.body}, {"host"}, signer, amz_date);
    if (!signature) return signature;
    return fmt::format("{}&{}={}", target, signature_parameter, *signature);
}

}  // namespace lodge::auth
