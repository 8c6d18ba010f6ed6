#include "agent/link/http_link.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

namespace lodge::agent {
namespace {

constexpr std::size_t max_reply_bytes = std::size_t{64} << 20;

std::size_t append(char* data, std::size_t size, std::size_t count, void* to) {
    auto& text = *static_cast<std::string*>(to);
    if (text.size() + size * count > max_reply_bytes) return 0;
    text.append(data, size * count);
    return size * count;
}

struct Sink {
    std::FILE* file;
    int error = 0;  // errno of the write that failed
};

std::size_t write_file(char* data, std::size_t size, std::size_t count, void* to) {
    auto& sink = *static_cast<Sink*>(to);
    auto written = std::fwrite(data, size, count, sink.file);
    if (written < count) sink.error = errno;
    return written * size;
}

int check_interrupt(void* flag, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<const std::atomic<bool>*>(flag)->load() ? 1 : 0;
}

void set_up_tls(CURL* handle, const Exchange& request) {
    bool verify = !request.ca_file.empty();
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    // The authority signs one server alone, by whatever name a host reaches it.
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (verify) curl_easy_setopt(handle, CURLOPT_CAINFO, request.ca_file.c_str());
    if (!request.identity) return;
    curl_easy_setopt(handle, CURLOPT_SSLCERT, request.identity->certificate_file.c_str());
    curl_easy_setopt(handle, CURLOPT_SSLKEY, request.identity->key_file.c_str());
}

void set_up_limits(CURL* handle, const Exchange& request) {
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, 5'000L);
    if (request.into) {
        curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1024L);
        curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, 30L);
    } else {
        curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout_ms));
    }
    if (!request.interrupted) return;
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, check_interrupt);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(request.interrupted));
}

Error read_error(long status, const std::string& body) {
    auto json = nlohmann::json::parse(body, nullptr, false);
    if (json.is_object() && json.contains("code") && json["code"].is_string() && json.contains("message") &&
        json["message"].is_string())
        return {code_from_wire(json["code"].get<std::string>()), json["message"].get<std::string>()};
    return make_error(ErrorCode::service_unavailable,
                      {"the control plane answered with status " + std::to_string(status)});
}

}  // namespace

Result<std::string> exchange(CURL* handle, const Exchange& request) {
    std::string reply;
    Sink sink{request.into};
    const std::string content_type = std::string("Content-Type: ") + request.content_type;
    CurlHeaders headers(curl_slist_append(nullptr, content_type.c_str()));
    curl_easy_reset(handle);
    curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(handle, CURLOPT_PROXY, "");  // none of the environment's
    set_up_tls(handle, request);
    set_up_limits(handle, request);
    if (request.body) {
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body->data());
    }
    if (request.into) {
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, write_file);
        curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
        curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
    } else {
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append);
        curl_easy_setopt(handle, CURLOPT_WRITEDATA, &reply);
    }
    auto code = curl_easy_perform(handle);
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (request.into && status == 404)
        return fail(ErrorCode::not_found, "the control plane does not have " + request.url);
    if (sink.error != 0)  // our disk, not the control plane
        return fail(ErrorCode::io_failure,
                    "writing what was fetched: " + std::generic_category().message(sink.error));
    if (code != CURLE_OK)
        return fail(ErrorCode::service_unavailable,
                    request.url + ": " + std::string(curl_easy_strerror(code)));
    if (status >= 400) return tl::unexpected<Error>(read_error(status, reply));
    return reply;
}

HttpLink::HttpLink(Identity identity) : identity_(std::move(identity)) {
    curl_init_once();
}

CurlHandle HttpLink::take() {
    std::lock_guard lock(mutex_);
    if (idle_.empty()) return CurlHandle(curl_easy_init());
    auto handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
}

void HttpLink::give(CurlHandle handle) {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(handle));
}

Result<std::string> HttpLink::post(const std::string& path, const std::string& body, const char* content_type,
                                   std::int64_t timeout_ms) {
    auto handle = take();
    auto reply = exchange(handle.get(), {.url = "https://" + identity_.server + path,
                                         .body = &body,
                                         .timeout_ms = timeout_ms,
                                         .identity = &identity_,
                                         .ca_file = identity_.ca_file.string(),
                                         .interrupted = &interrupted_,
                                         .content_type = content_type});
    give(std::move(handle));
    return reply;
}

template <class Reply, class Request>
Result<Reply> HttpLink::call(const std::string& path, const Request& request, std::int64_t timeout_ms) {
    LODGE_TRY(const std::string reply, post(path, link::to_json(request), "application/json", timeout_ms));
    return link::from_json<Reply>(reply);
}

Result<link::HelloReply> HttpLink::hello(const link::HelloRequest& request) {
    return call<link::HelloReply>("/v1/hello", request, 15'000);
}

Result<link::HeartbeatReply> HttpLink::heartbeat(const link::Heartbeat& heartbeat) {
    return call<link::HeartbeatReply>("/v1/heartbeat", heartbeat, 5'000);
}

Result<link::PollReply> HttpLink::poll(const link::PollRequest& request) {
    return call<link::PollReply>("/v1/poll", request, request.wait_ms + 10'000);
}

Result<link::ReportReply> HttpLink::report(const link::ReportRequest& request) {
    return call<link::ReportReply>("/v1/report", request, 15'000);
}

Result<link::LeftoversReply> HttpLink::leftovers(const link::LeftoversRequest& request) {
    return call<link::LeftoversReply>("/v1/leftovers", request, 15'000);
}

Result<link::LaunchDataReply> HttpLink::launch_data(const link::LaunchDataRequest& request) {
    return call<link::LaunchDataReply>("/v1/launch-data", request, 15'000);
}

Status HttpLink::send_file(const SnapshotId& snapshot_id, std::int64_t total,
                           const std::filesystem::path& file) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> source(std::fopen(file.c_str(), "rbe"),
                                                                 std::fclose);
    if (!source) return fail(ErrorCode::io_failure, "cannot read " + file.string());
    std::string bytes;
    for (std::int64_t sent = 0; sent < total; sent += static_cast<std::int64_t>(bytes.size())) {
        bytes.resize(link::layer_piece_bytes);
        bytes.resize(std::fread(bytes.data(), 1, bytes.size(), source.get()));
        if (bytes.empty()) return fail(ErrorCode::io_failure, file.string() + " is shorter than it was");
        const std::string piece = "/" + std::to_string(sent) + "/" + std::to_string(total);
        LODGE_CHECK(post("/v1/layers/" + snapshot_id.str() + piece, bytes, "application/octet-stream", 60'000)
                        .map([](auto&&) {}));
    }
    return {};
}

// Asked first, since it may have the content already, by an earlier call whose answer got lost for one.
Status HttpLink::store_layer(const SnapshotId& snapshot_id, const link::Content& content,
                             const std::filesystem::path& file) {
    const auto ask = [&] {
        return call<link::LayerReply>("/v1/layer", link::LayerRequest{snapshot_id, content}, 120'000);
    };
    auto known = ask();
    if (!known && known.error().code == ErrorCode::conflict) {
        LODGE_CHECK(send_file(snapshot_id, content.size_bytes, file));
        known = ask();
    }
    return known.map([](auto&&) {});
}

Status HttpLink::fetch(const link::Content& content, const std::filesystem::path& into) {
    std::FILE* file = std::fopen(into.c_str(), "wbe");
    if (!file) return fail(ErrorCode::io_failure, "cannot write " + into.string());
    auto handle = take();
    auto reply =
        exchange(handle.get(), {.url = "https://" + identity_.server + "/v1/images/" + content.sha256,
                                .identity = &identity_,
                                .ca_file = identity_.ca_file.string(),
                                .interrupted = &interrupted_,
                                .into = file});
    give(std::move(handle));
    if (std::fclose(file) != 0 && reply) return fail(ErrorCode::io_failure, "cannot write " + into.string());
    if (!reply) return tl::unexpected<Error>(std::move(reply).error());
    return {};
}

}  // namespace lodge::agent
