#include "api/link/link_service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>

#include "api/link/launch_data.h"
#include "api/pipeline/json_reply.h"
#include "db/store/hosts.h"
#include "proto/base/encoding.h"
#include "proto/base/number.h"
#include "scheduler/reconcile/events.h"

namespace lodge::api {
namespace {

constexpr int host_certificate_days = 3'650;

template <class Message>
http::Response to_response(const Result<Message>& result) {
    return result ? json_response(200, link::to_json(*result)) : json_error(result.error());
}

// Parses the body, runs `act`, renders what it returns.
template <class Request, class Act>
http::Response exchange(const http::Request& request, Act act) {
    auto message = link::from_json<Request>(request.body);
    if (!message) return json_error(message.error());
    return to_response(act(*message));
}

tl::unexpected<Error> no_such_token() {
    return fail(ErrorCode::invalid_input, "the token is unknown, used up, or has expired");
}

constexpr std::string_view layers_target = "/v1/layers/";

bool is_sha256(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

Host joining_host(const HostToken& token, UnixMs now_ms) {
    Host host;
    host.id = token.host_id;
    host.name = host.id.str();
    host.zone = token.zone;
    host.created_ms = now_ms;
    return host;
}

}  // namespace

LinkService::LinkService(db::Database& database, scheduler::Agents& agents, const LinkTls& tls,
                         std::filesystem::path image_dir, WorkerPool& workers, const Clock& clock,
                         Random& random)
    : database_(database),
      agents_(agents),
      tls_(tls),
      image_dir_(std::move(image_dir)),
      workers_(workers),
      clock_(clock),
      random_(random),
      layers_(agents, image_dir_, clock, random) {}

void LinkService::handle(http::Request request, http::Reply reply) {
    auto shared = std::make_shared<http::Request>(std::move(request));
    if (!workers_.post([this, shared, reply] { answer(*shared, reply); }))
        reply(json_render_error(503, "The control plane is too busy."));
}

Result<HostId> LinkService::authenticate(const http::Request& request) {
    if (request.client_certificate_sha256.empty()) return fail(ErrorCode::unauthorized_operation);
    LODGE_TRY(auto host, database_.read([&](db::Session& session) -> Result<std::optional<Host>> {
        return db::hosts::find_by_certificate(session, request.client_certificate_sha256);
    }));
    if (!host) return fail(ErrorCode::unauthorized_operation);
    return host->id;
}

// A token makes one host; its certificate is the proof from then on. A machine that asks again with the same
// key, since the answer got lost, is the same host. Nothing is signed and nothing written for who has none.
Result<link::JoinReply> LinkService::join(const link::JoinRequest& request) {
    const auto token_sha256 = hex_encode(sha256(request.token_secret));
    auto now_ms = clock_.now_ms();
    LODGE_CHECK(database_.read([&](db::Session& session) -> Status {
        if (db::hosts::find_token(session, token_sha256, now_ms)) return {};
        return no_such_token();
    }));
    LODGE_TRY(auto key_sha256, pki::request_key_sha256(request.certificate_request_pem));
    return database_.write([&](db::Session& session) -> Result<link::JoinReply> {
        db::hosts::erase_old_tokens(session, now_ms);
        auto token = db::hosts::find_token(session, token_sha256, now_ms);
        bool first = token && token->host_id.empty();
        if (!token || (!first && token->key_sha256 != key_sha256)) return no_such_token();
        if (first) {
            token->host_id = HostId::make(random_);
            token->key_sha256 = key_sha256;
            db::hosts::use_token(session, *token);
            db::hosts::insert(session, joining_host(*token, now_ms));
            scheduler::record(session, now_ms, "", token->host_id.str(), "joined",
                              "joined in zone " + token->zone);
        }
        LODGE_TRY(auto certificate,
                  pki::sign_client_request(tls_.authority, request.certificate_request_pem,
                                           token->host_id.str(), {now_ms, host_certificate_days}, random_));
        LODGE_TRY(auto fingerprint, pki::fingerprint_sha256(certificate));
        db::hosts::set_certificate(session, token->host_id, fingerprint);
        return link::JoinReply{token->host_id, certificate, token->zone};
    });
}

http::Response LinkService::image(const std::string& sha256) const {
    if (!is_sha256(sha256)) return json_error(make_error(ErrorCode::not_found, {"there is no such content"}));
    http::Response response;
    response.content_type = "application/octet-stream";
    response.file = image_dir_ / sha256;
    return response;
}

// /v1/layers/SNAPSHOT/OFFSET/TOTAL
http::Response LinkService::layer_piece(const HostId& host, const http::Request& request) {
    const std::string_view path = std::string_view(request.target).substr(layers_target.size());
    const auto first = path.find('/');
    const auto second = first == path.npos ? path.npos : path.find('/', first + 1);
    const auto id = SnapshotId::parse(path.substr(0, first));
    const auto offset = second == path.npos
                            ? std::nullopt
                            : parse_number<std::int64_t>(path.substr(first + 1, second - first - 1));
    const auto total =
        second == path.npos ? std::nullopt : parse_number<std::int64_t>(path.substr(second + 1));
    if (!id || !offset || !total || *offset < 0 || *total < 0)
        return json_error(make_error(ErrorCode::not_found, {"there is no " + request.target.substr(0, 100)}));
    return to_response(layers_.piece(host, *id, *offset, *total, request.body));
}

void LinkService::answer(const http::Request& request, const http::Reply& reply) {
    const auto& target = request.target;
    if (target == "/v1/ca") {
        http::Response response;
        response.content_type = "application/x-pem-file";
        response.body = tls_.authority.certificate_pem;
        return reply(std::move(response));
    }
    if (target == "/v1/join")
        return reply(
            exchange<link::JoinRequest>(request, [&](const auto& message) { return join(message); }));
    auto host = authenticate(request);
    if (!host) return reply(json_error(host.error()));
    if (target == "/v1/poll") {
        auto message = link::from_json<link::PollRequest>(request.body);
        if (!message) return reply(json_error(message.error()));
        return agents_.poll(*host, *message,
                            [reply](const Result<link::PollReply>& result) { reply(to_response(result)); });
    }
    if (target == "/v1/hello")
        return reply(
            exchange<link::HelloRequest>(request, [&](const auto& m) { return agents_.hello(*host, m); }));
    if (target == "/v1/heartbeat")
        return reply(exchange<link::Heartbeat>(request, [&](const auto& m) {
            return Result<link::HeartbeatReply>(agents_.heartbeat(*host, m));
        }));
    if (target == "/v1/report")
        return reply(
            exchange<link::ReportRequest>(request, [&](const auto& m) { return agents_.report(*host, m); }));
    if (target == "/v1/leftovers")
        return reply(exchange<link::LeftoversRequest>(
            request, [&](const auto& m) { return agents_.leftovers(*host, m); }));
    if (target == "/v1/launch-data")
        return reply(exchange<link::LaunchDataRequest>(request, [&](const auto& m) {
            return launch_data(database_, tls_.identity_signer, *host, m.guest_id);
        }));
    if (target.starts_with(layers_target)) return reply(layer_piece(*host, request));
    if (target == "/v1/layer")
        return reply(exchange<link::LayerRequest>(request, [&](const auto& m) -> Result<link::LayerReply> {
            if (is_sha256(m.content.sha256)) return layers_.finish(*host, m);
            return fail(ErrorCode::invalid_input, "a layer is named by its SHA-256");
        }));
    if (target.starts_with("/v1/images/")) return reply(image(target.substr(11)));
    reply(json_error(make_error(ErrorCode::not_found, {"there is no " + target.substr(0, 100)})));
}

}  // namespace lodge::api
