#include "api/pipeline/context.h"

#include <algorithm>

#include "db/store/client_tokens.h"

namespace lodge::api {

std::vector<Zone> Settings::zones_of(std::string_view region) const {
    std::vector<Zone> found;
    std::copy_if(zones.begin(), zones.end(), std::back_inserter(found),
                 [&](const Zone& zone) { return zone.region == region; });
    return found;
}

std::string Settings::host_and_port() const {
    auto scheme = endpoint.find("://");
    return scheme == std::string::npos ? endpoint : endpoint.substr(scheme + 3);
}

Result<std::optional<std::string>> replay(db::Session& session, const RequestContext& context,
                                          const std::optional<std::string>& client_token) {
    if (!client_token || client_token->empty()) return std::nullopt;
    bool ascii =
        std::all_of(client_token->begin(), client_token->end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (!ascii)
        return fail(ErrorCode::invalid_parameter_value, "ClientToken may hold ASCII characters only.");
    auto earlier =
        db::client_tokens::find(session, context.account_id, context.region, context.action, *client_token);
    if (!earlier) return std::nullopt;
    if (earlier->fingerprint != context.fingerprint)
        return fail(ErrorCode::idempotent_parameter_mismatch, *client_token);
    return earlier->result_id;
}

void remember(db::Session& session, const RequestContext& context,
              const std::optional<std::string>& client_token, std::string_view result_id) {
    if (!client_token || client_token->empty()) return;
    db::client_tokens::insert(session, {context.account_id, context.region, context.action, *client_token,
                                        context.fingerprint, std::string(result_id), context.now_ms()});
}

}  // namespace lodge::api
