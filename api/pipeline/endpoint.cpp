#include "api/pipeline/endpoint.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

#include "api/auth/sigv4.h"
#include "api/pipeline/brief.h"
#include "api/pipeline/dispatch.h"
#include "api/pipeline/json_reply.h"
#include "api/pipeline/known_actions.h"
#include "api/query/decode.h"
#include "api/query/encode.h"
#include "api/query/form.h"
#include "db/store/accounts.h"
#include "db/store/instances.h"
#include "proto/base/encoding.h"
#include "proto/base/letters.h"

namespace lodge::api {
namespace {

constexpr std::string_view lodge_prefix = "/lodge";
constexpr std::string_view lodge_service = "lodge";

http::Response xml(int status, std::string body, std::string_view request_id) {
    http::Response response;
    response.status = status;
    response.content_type = "text/xml;charset=UTF-8";
    response.body = std::move(body);
    response.headers = {{"x-amzn-RequestId", std::string(request_id)},
                        {"Cache-Control", "no-cache, no-store"}};
    return response;
}

http::Response plain(int status, std::string body) {
    http::Response response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = std::move(body);
    return response;
}

std::string_view path_of(std::string_view target) {
    return target.substr(0, target.find('?'));
}

std::string_view query_of(std::string_view target) {
    auto mark = target.find('?');
    return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

// A version is a date; any is accepted, since what clients of other years differ in is handled member by
// member.
bool version_well_formed(std::string_view version) {
    return version.size() == 10 && version[4] == '-' && version[7] == '-' &&
           std::all_of(version.begin(), version.end(),
                       [](char c) { return c == '-' || (c >= '0' && c <= '9'); });
}

// In any case of letters.
bool starts_with_word(std::string_view text, std::string_view word) {
    return equal_but_for_case(text.substr(0, word.size()), word);
}

Result<query::Parameters> read_parameters(const http::Request& request) {
    if (request.method == "GET") return query::parse_form(query_of(request.target));
    const auto* type = request.header("Content-Type");
    bool form = !type || starts_with_word(*type, "application/x-www-form-urlencoded");
    if (!form)
        return fail(ErrorCode::malformed_query_string, "the body is not application/x-www-form-urlencoded.");
    auto query = query_of(request.target);
    if (query.empty()) return query::parse_form(request.body);
    return query::parse_form(request.body.empty() ? std::string(query)
                                                  : request.body + "&" + std::string(query));
}

Result<const Dispatch*> find_action(std::string_view service, const query::Parameters& parameters) {
    const auto* name = query::find(parameters, "Action");
    if (!name || name->empty()) return fail(ErrorCode::missing_action);
    if (const auto* found = find_dispatch(service, *name)) return found;
    if (service == "ec2" && known_ec2_action(*name)) {
        return fail(ErrorCode::unsupported_operation,
                    "The action " + *name + " is not supported by this service.");
    }
    return fail(ErrorCode::invalid_action, name->substr(0, 100));
}

Status check_version(const query::Parameters& parameters) {
    const auto* version = query::find(parameters, "Version");
    if (!version || version_well_formed(*version)) return {};
    return fail(ErrorCode::no_such_version, version->substr(0, 100));
}

}  // namespace

// What one request turned out to be, for the answer, the audit log and the metrics.
struct Call {
    explicit Call(const Services& services) : context(services) {}
    RequestContext context;
    const query::Protocol* protocol = query::find_protocol("ec2");
    std::string claimed_key;  // as long as the signature has not proved good
    std::string service;      // that it was signed for
};

namespace {

// The service that an unverified signature names, so that its refusal has that service's shape: the fourth
// part of Credential=KEY/DATE/REGION/SERVICE/aws4_request, wherever that stands.
std::string named_service(const http::Request& request) {
    const auto* header = request.header("Authorization");
    std::string text = header ? *header : percent_decode(query_of(request.target), true).value_or("");
    auto at = text.find("Credential=");
    if (at == std::string::npos) return "ec2";
    auto scope = std::string_view(text).substr(at, text.find_first_of(",& ", at) - at);
    for (int part = 0; part < 3; ++part) {
        auto slash = scope.find('/');
        if (slash == std::string_view::npos) return "ec2";
        scope.remove_prefix(slash + 1);
    }
    return std::string(scope.substr(0, scope.find('/')));
}

// Whose request this is: reads the signature, finds the key, compares. Fills the call's account, region and
// protocol.
Status authenticate(const http::Request& request, Call& call, AccessKeys& access_keys,
                    auth::SigningKeys& signing_keys) {
    std::vector<auth::Header> headers;
    headers.reserve(request.headers.size());
    for (const auto& [name, value] : request.headers) headers.push_back({name, value});
    auth::SignedRequest signed_request{request.method, request.target, headers, request.body};
    auto refuse = [&](const auth::AuthError& error) {
        return tl::unexpected<Error>(call.protocol->ec2_form ? auth::to_ec2(error) : auth::to_query(error));
    };
    auto& context = call.context;
    const auto* protocol = query::find_protocol(named_service(request));
    if (protocol) call.protocol = protocol;
    auto claim = auth::read_claim(signed_request, context.now_ms());
    if (!claim) return refuse(claim.error());
    call.claimed_key = claim->access_key;
    protocol = query::find_protocol(claim->service);
    LODGE_TRY(auto key, access_keys.find(context.services.database, claim->access_key));
    if (!key || !key->active) return refuse({auth::AuthFault::unknown_key, "The access key does not exist."});
    if (!claim->session_token.empty())
        return refuse({auth::AuthFault::unknown_key, "Session tokens are not issued here."});
    auto good = auth::verify(*claim, signed_request, key->secret, signing_keys);
    if (!good) return refuse(good.error());
    call.service = claim->service;
    context.account_id = key->account_id;
    context.access_key = key->id;
    call.claimed_key.clear();
    context.region = claim->region;
    return {};
}

Status check_service(const Call& call) {
    if (query::find_protocol(call.service)) return {};
    return fail(ErrorCode::unsupported_operation, "The service " + call.service + " is not offered here.");
}

Status check_region(const Call& call) {
    const auto& settings = call.context.services.settings;
    if (!call.protocol->ec2_form || !settings.zones_of(call.context.region).empty()) return {};
    return fail(ErrorCode::auth_failure,
                "The region '" + call.context.region + "' of the signature is not served here.");
}

using Node = query::ParameterTree::Node;

const Node* child_of(const Node& node, std::string_view name) {
    auto found = node.children.find(name);
    return found == node.children.end() ? nullptr : &found->second;
}

// In any of the forms that lists have: Name.1, Name.member.1, Name.
std::size_t length_of(const Node& list) {
    if (const auto* members = child_of(list, "member")) return members->children.size();
    return list.value ? 1 : list.children.size();
}

// How many instances the request is to act upon; what is no number is the decoder's to refuse.
std::int64_t instances_of(std::string_view action, const Node& parameters) {
    const auto* ids = child_of(parameters, "InstanceId");
    if (action != "RunInstances") return ids ? static_cast<std::int64_t>(length_of(*ids)) : 0;
    std::int64_t count = 0;
    const auto* most = child_of(parameters, "MaxCount");
    if (most && most->value)
        std::from_chars(most->value->data(), most->value->data() + most->value->size(), count);
    return count;
}

// A dry run asks, and acts upon nothing.
Status admit(Throttle* throttle, const Call& call, const query::ParameterTree& tree) {
    if (!throttle || !call.protocol->ec2_form) return {};
    const auto& context = call.context;
    const auto& parameters = tree.root();
    auto given = [&](std::string_view name) { return child_of(parameters, name) != nullptr; };
    const auto* dry_run = child_of(parameters, "DryRun");
    bool acts = !dry_run || query::parse_bool(dry_run->value.value_or("")) != true;
    ThrottledCall asked{context.account_id, context.region, context.action};
    asked.unfiltered = !given("Filter") && !given("MaxResults") && !given("NextToken");
    if (acts) asked.instances = instances_of(context.action, parameters);
    return throttle->admit(asked);
}

Result<std::string> run(const http::Request& request, Call& call, AccessKeys& access_keys,
                        auth::SigningKeys& signing_keys, Throttle* throttle) {
    auto& context = call.context;
    LODGE_CHECK(authenticate(request, call, access_keys, signing_keys));
    LODGE_CHECK(check_service(call));
    LODGE_CHECK(check_region(call));
    LODGE_TRY(auto parameters, read_parameters(request));
    LODGE_TRY(const Dispatch* action, find_action(call.protocol->service, parameters));
    context.action = action->table->name;
    LODGE_CHECK(check_version(parameters));
    LODGE_TRY(auto tree, query::ParameterTree::build(parameters));
    LODGE_CHECK(admit(throttle, call, tree));
    context.fingerprint = query::fingerprint(parameters);
    return action->run(context, tree, *call.protocol);
}

}  // namespace

Endpoint::Endpoint(const Services& services, WorkerPool& workers, Metrics& metrics, EndpointOptions options)
    : services_(services), workers_(workers), metrics_(metrics), options_(std::move(options)) {
    if (options_.throttle) throttle_ = std::make_unique<Throttle>(services.clock, *options_.throttle);
}

void Endpoint::handle(http::Request request, http::Reply reply) {
    auto arrived_us = services_.clock.steady_us();
    if (is_brief(request)) return reply(answer(request, arrived_us));
    auto shared = std::make_shared<http::Request>(std::move(request));
    bool taken = workers_.post([this, shared, reply, arrived_us] { reply(answer(*shared, arrived_us)); });
    if (!taken) reply(render_error(503, "The service is too busy."));
}

http::Response Endpoint::render_error(int status, std::string_view reason) {
    auto code = status == 413   ? ErrorCode::request_entity_too_large
                : status == 503 ? ErrorCode::service_unavailable
                : status >= 500 ? ErrorCode::internal_error
                                : ErrorCode::invalid_query_parameter;
    Error error{code, std::string(reason)};
    return xml(status, query::encode_error(*query::find_protocol("ec2"), error, ""), "");
}

std::string Endpoint::render_metrics() const {
    auto living = services_.database.read(
        [](db::Session& session) -> Result<std::int64_t> { return db::instances::count(session); });
    if (living)
        metrics_.set_gauge("lodge_instances", "Instances that are not terminated.",
                           static_cast<double>(*living));
    return metrics_.render();
}

http::Response Endpoint::answer(const http::Request& request, std::int64_t arrived_us) {
    auto path = path_of(request.target);
    if (path == "/healthz") return plain(200, "ok\n");
    if (path == "/metrics") {
        const auto* bearer = request.header("Authorization");
        bool good = bearer && !options_.metrics_token.empty() &&
                    equal_in_constant_time(*bearer, "Bearer " + options_.metrics_token);
        return good ? plain(200, render_metrics()) : plain(401, "a bearer token is needed\n");
    }
    if (lodge_api_ && path.starts_with(lodge_prefix) && path.substr(lodge_prefix.size()).starts_with("/v1/"))
        return answer_lodge(request, arrived_us);
    if (path != "/" && !path.empty()) return plain(404, "not found\n");
    if (request.method != "POST" && request.method != "GET") return plain(405, "method not allowed\n");
    return answer_api(request, arrived_us);
}

Result<http::Response> Endpoint::run_lodge(const http::Request& request, Call& call) {
    LODGE_CHECK(authenticate(request, call, access_keys_, signing_keys_));
    if (call.service != lodge_service)
        return fail(ErrorCode::auth_failure, "Requests below /lodge/v1/ are signed for the service 'lodge'.");
    if (throttle_)
        LODGE_CHECK(throttle_->admit({call.context.account_id, call.context.region, lodge_service}));
    LODGE_TRY(const auto account, services_.database.read([&](db::Session& session) {
        return Result<std::optional<Account>>(db::accounts::find(session, call.context.account_id));
    }));
    const auto path = path_of(request.target).substr(lodge_prefix.size());
    return lodge_api_({request, path, call.context.account_id, account && account->is_operator});
}

http::Response Endpoint::answer_lodge(const http::Request& request, std::int64_t arrived_us) {
    Call call(services_);
    auto& context = call.context;
    context.request_id = services_.random.uuid();
    auto answered = run_lodge(request, call);
    auto response = answered ? std::move(*answered) : json_error(answered.error());
    response.headers.emplace_back("x-amzn-RequestId", context.request_id);
    response.headers.emplace_back("Cache-Control", "no-cache, no-store");
    const auto micros = services_.clock.steady_us() - arrived_us;
    spdlog::info("audit request={} peer={} account={} key={} claimed={} region={} action={} {} code={} ms={}",
                 context.request_id, request.peer_address, context.account_id, context.access_key,
                 call.claimed_key, context.region, request.method, path_of(request.target).substr(0, 200),
                 response.status, micros / 1000);
    metrics_.count_request("lodge", std::to_string(response.status), static_cast<double>(micros) / 1e6);
    return response;
}

http::Response Endpoint::answer_api(const http::Request& request, std::int64_t arrived_us) {
    Call call(services_);
    auto& context = call.context;
    context.request_id = services_.random.uuid();
    auto body = run(request, call, access_keys_, signing_keys_, throttle_.get());
    auto micros = services_.clock.steady_us() - arrived_us;
    std::string_view code = body ? "OK" : wire_code(body.error().code);
    // The audit log names who did what with which result; parameters may hold secrets and stay out.
    // What a refused signature claims is not true, but tells whose client it may be.
    spdlog::info("audit request={} peer={} account={} key={} claimed={} region={} action={} code={} ms={}",
                 context.request_id, request.peer_address, context.account_id, context.access_key,
                 call.claimed_key, context.region, context.action, code, micros / 1000);
    metrics_.count_request(context.action.empty() ? "-" : context.action, code,
                           static_cast<double>(micros) / 1e6);
    if (body) return xml(200, std::move(*body), context.request_id);
    return xml(http_status(body.error().code),
               query::encode_error(*call.protocol, body.error(), context.request_id), context.request_id);
}

}  // namespace lodge::api
