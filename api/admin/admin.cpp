#include "api/admin/admin.h"

#include <memory>
#include <tuple>

#include "api/admin/openapi.h"
#include "api/admin/operations.h"
#include "api/pipeline/json_reply.h"

namespace lodge::api {
namespace {

using admin::Call;
using admin::Json;

// Who may ask. `local`: it speaks of files of this machine, and is the socket's alone.
enum class Reach { local, operators, accounts };

struct Route {
    std::string_view method;
    std::string_view path;  // a trailing slash takes an ID after it
    std::string_view after_id;
    Reach reach;
    Result<Json> (*run)(const Call&);
};

using enum Reach;
constexpr Route routes[] = {
    {"GET", "/v1/info", "", operators, admin::info},
    {"GET", "/v1/who", "", accounts, admin::who},
    {"GET", "/v1/capacity", "", operators, admin::capacity},
    {"GET", "/v1/accounts", "", operators, admin::list_accounts},
    {"POST", "/v1/accounts", "", operators, admin::create_account},
    {"POST", "/v1/accounts/", "/keys", operators, admin::create_key},
    {"POST", "/v1/accounts/", "/limits", operators, admin::set_limits},
    {"POST", "/v1/accounts/", "/operator", operators, admin::set_operator},
    {"POST", "/v1/access-keys/", "/active", operators, admin::set_key_active},
    {"DELETE", "/v1/access-keys/", "", operators, admin::delete_key},
    {"GET", "/v1/hosts", "", operators, admin::list_hosts},
    {"POST", "/v1/host-tokens", "", operators, admin::create_host_token},
    {"POST", "/v1/hosts/", "/drain", operators, admin::drain_host},
    {"POST", "/v1/hosts/", "/fence", operators, admin::fence_host},
    {"POST", "/v1/hosts/", "/forget-disks", operators, admin::forget_disks},
    {"DELETE", "/v1/hosts/", "", operators, admin::remove_host},
    {"GET", "/v1/diagnosis", "", operators, admin::diagnosis},
    {"POST", "/v1/leftovers/", "/discard", operators, admin::discard},
    {"GET", "/v1/images", "", operators, admin::list_images},
    {"POST", "/v1/images", "", local, admin::import_image},
    {"DELETE", "/v1/images/", "", operators, admin::delete_image},
    {"GET", "/v1/instances", "", operators, admin::list_instances},
    {"GET", "/v1/events/", "", accounts, admin::list_events},
    {"POST", "/v1/backup", "", local, admin::backup},
    {"POST", "/v1/placement/explain", "", accounts, admin::explain_placement},
    {"POST", "/v1/network/explain", "", accounts, admin::explain_network},
};

// The ID in the path if the route fits, empty for a route without one.
std::optional<std::string> match(const Route& route, std::string_view method, std::string_view target) {
    if (method != route.method) return std::nullopt;
    if (!route.path.ends_with('/'))
        return target == route.path ? std::optional<std::string>("") : std::nullopt;
    if (!target.starts_with(route.path) || !target.ends_with(route.after_id)) return std::nullopt;
    if (target.size() <= route.path.size() + route.after_id.size()) return std::nullopt;
    auto id = target.substr(route.path.size(), target.size() - route.path.size() - route.after_id.size());
    return id.find('/') == std::string_view::npos ? std::optional<std::string>(id) : std::nullopt;
}

http::Response run(const Route& route, Call call, const std::string& body) {
    call.body = body.empty() ? Json::object() : Json::parse(body, nullptr, false);
    if (!call.body.is_object())
        return json_error(make_error(ErrorCode::invalid_input, {"the body is not a JSON object"}));
    const auto result = route.run(call);
    if (!result) return json_error(result.error());
    return json_response(200, result->dump(-1, ' ', false, Json::error_handler_t::replace));
}

http::Response missing(std::string_view method, std::string_view path) {
    return json_error(make_error(ErrorCode::not_found, {"there is no " + std::string(method) + " " +
                                                        std::string(path.substr(0, 100))}));
}

}  // namespace

Admin::Admin(const Services& services, const Endpoint& endpoint, WorkerPool& workers, AdminFacts facts)
    : services_(services), endpoint_(endpoint), workers_(workers), facts_(std::move(facts)) {}

void Admin::handle(http::Request request, http::Reply reply) {
    auto shared = std::make_shared<http::Request>(std::move(request));
    if (!workers_.post([this, shared, reply] { reply(answer_socket(*shared)); }))
        reply(json_render_error(503, "The control plane is too busy."));
}

http::Response Admin::answer_socket(const http::Request& request) {
    if (request.target == "/metrics") {
        http::Response response;
        response.content_type = "text/plain; version=0.0.4";
        response.body = endpoint_.render_metrics();
        return response;
    }
    for (const auto& route : routes)
        if (auto id = match(route, request.method, request.target))
            return run(route, {services_, facts_, {}, *id}, request.body);
    return missing(request.method, request.target);
}

http::Response Admin::answer(const LodgeRequest& request) {
    const auto& [method, body] = std::tie(request.http.method, request.http.body);
    if (method == "GET" && request.path == "/v1/openapi.json")
        return json_response(200, std::string(admin::openapi));
    for (const auto& route : routes) {
        auto id = match(route, method, request.path);
        if (!id || route.reach == local) continue;
        if (route.reach == operators && !request.is_operator)
            return json_error(
                {ErrorCode::unauthorized_operation,
                 "Only operators' accounts may ask this; an operator makes it one: lodge account "
                 "operator " +
                     request.account_id});
        const auto* account = request.is_operator ? nullptr : &request.account_id;
        return run(route, {services_, facts_, {}, *id, account, request.account_id}, body);
    }
    return missing(method, request.path);
}

}  // namespace lodge::api
