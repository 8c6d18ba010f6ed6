#include "api/admin/admin.h"

#include <memory>

#include "api/admin/operations.h"
#include "api/link/json_reply.h"

namespace lodge::api {
namespace {

using admin::Call;
using admin::Json;

struct Route {
    std::string_view method;
    std::string_view path;  // a trailing slash takes an ID after it
    std::string_view after_id;
    Result<Json> (*run)(const Call&);
};

constexpr Route routes[] = {
    {"GET", "/v1/info", "", admin::info},
    {"GET", "/v1/accounts", "", admin::list_accounts},
    {"POST", "/v1/accounts", "", admin::create_account},
    {"POST", "/v1/accounts/", "/keys", admin::create_key},
    {"POST", "/v1/accounts/", "/limits", admin::set_limits},
    {"POST", "/v1/access-keys/", "/active", admin::set_key_active},
    {"DELETE", "/v1/access-keys/", "", admin::delete_key},
    {"GET", "/v1/hosts", "", admin::list_hosts},
    {"POST", "/v1/host-tokens", "", admin::create_host_token},
    {"POST", "/v1/hosts/", "/drain", admin::drain_host},
    {"POST", "/v1/hosts/", "/fence", admin::fence_host},
    {"POST", "/v1/hosts/", "/forget-disks", admin::forget_disks},
    {"DELETE", "/v1/hosts/", "", admin::remove_host},
    {"GET", "/v1/diagnosis", "", admin::diagnosis},
    {"POST", "/v1/leftovers/", "/discard", admin::discard},
    {"GET", "/v1/images", "", admin::list_images},
    {"POST", "/v1/images", "", admin::import_image},
    {"DELETE", "/v1/images/", "", admin::delete_image},
    {"GET", "/v1/instances", "", admin::list_instances},
    {"GET", "/v1/events/", "", admin::list_events},
    {"POST", "/v1/backup", "", admin::backup},
    {"POST", "/v1/placement/explain", "", admin::explain_placement},
    {"POST", "/v1/network/explain", "", admin::explain_network},
};

// The ID in the path if the route fits, empty for a route without one.
std::optional<std::string> match(const Route& route, const http::Request& request) {
    std::string_view target = request.target;
    if (request.method != route.method) return std::nullopt;
    if (!route.path.ends_with('/'))
        return target == route.path ? std::optional<std::string>("") : std::nullopt;
    if (!target.starts_with(route.path) || !target.ends_with(route.after_id)) return std::nullopt;
    if (target.size() <= route.path.size() + route.after_id.size()) return std::nullopt;
    auto id = target.substr(route.path.size(), target.size() - route.path.size() - route.after_id.size());
    return id.find('/') == std::string_view::npos ? std::optional<std::string>(id) : std::nullopt;
}

}  // namespace

Admin::Admin(const Services& services, const Endpoint& endpoint, WorkerPool& workers, AdminFacts facts)
    : services_(services), endpoint_(endpoint), workers_(workers), facts_(std::move(facts)) {}

void Admin::handle(http::Request request, http::Reply reply) {
    auto shared = std::make_shared<http::Request>(std::move(request));
    if (!workers_.post([this, shared, reply] { reply(answer(*shared)); }))
        reply(json_render_error(503, "The control plane is too busy."));
}

http::Response Admin::answer(const http::Request& request) {
    if (request.target == "/metrics") {
        http::Response response;
        response.content_type = "text/plain; version=0.0.4";
        response.body = endpoint_.render_metrics();
        return response;
    }
    for (const auto& route : routes) {
        auto id = match(route, request);
        if (!id) continue;
        auto body = request.body.empty() ? Json::object() : Json::parse(request.body, nullptr, false);
        if (!body.is_object())
            return json_error(make_error(ErrorCode::invalid_input, {"the body is not a JSON object"}));
        auto result = route.run({services_, facts_, std::move(body), *id});
        if (!result) return json_error(result.error());
        return json_response(200, result->dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    return json_error(make_error(ErrorCode::not_found,
                                 {"there is no " + request.method + " " + request.target.substr(0, 100)}));
}

}  // namespace lodge::api
