// The agent's link over HTTPS with mutual certificates, by libcurl.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "agent/link/curl_handle.h"
#include "agent/link/identity.h"
#include "agent/reconcile/link.h"

namespace lodge::agent {

// One exchange: POST of `body`, or GET when it is null. Gives the reply's body, or its error
// ({"code","message"} with a status of 400 and more).
struct Exchange {
    std::string url;
    const std::string* body = nullptr;
    std::int64_t timeout_ms = 15'000;
    const Identity* identity = nullptr;  // null: no client certificate
    std::string ca_file = {};  // empty: the server is not verified (only to fetch the authority itself)
    const std::atomic<bool>* interrupted = nullptr;
    const char* content_type = "application/json";
    std::FILE* into =
        nullptr;  // the reply's body goes there instead, without a time limit but with one on stalling
};
Result<std::string> exchange(CURL* handle, const Exchange& request);

// Thread-safe: connections are kept and shared.
class HttpLink final : public Link {
  public:
    explicit HttpLink(Identity identity);

    Result<link::HelloReply> hello(const link::HelloRequest& request) override;
    Result<link::HeartbeatReply> heartbeat(const link::Heartbeat& heartbeat) override;
    Result<link::PollReply> poll(const link::PollRequest& request) override;
    Result<link::ReportReply> report(const link::ReportRequest& request) override;
    Result<link::LeftoversReply> leftovers(const link::LeftoversRequest& request) override;
    Result<link::LaunchDataReply> launch_data(const link::LaunchDataRequest& request) override;
    Status fetch(const link::Content& content, const std::filesystem::path& into) override;
    Status store_layer(const SnapshotId& snapshot_id, const link::Content& content,
                       const std::filesystem::path& file) override;
    void interrupt() override { interrupted_ = true; }

  private:
    Status send_file(const SnapshotId& snapshot_id, std::int64_t total, const std::filesystem::path& file);
    Result<std::string> post(const std::string& path, const std::string& body, const char* content_type,
                             std::int64_t timeout_ms);
    template <class Reply, class Request>
    Result<Reply> call(const std::string& path, const Request& request, std::int64_t timeout_ms);
    CurlHandle take();
    void give(CurlHandle handle);

    const Identity identity_;
    std::atomic<bool> interrupted_{false};
    std::mutex mutex_;
    std::vector<CurlHandle> idle_;
};

}  // namespace lodge::agent
