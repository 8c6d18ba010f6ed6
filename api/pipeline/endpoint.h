// The AWS endpoint: one request from HTTP to XML; and who may ask the operators' API, which is beside it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/auth/signing_keys.h"
#include "api/pipeline/access_keys.h"
#include "api/pipeline/context.h"
#include "api/pipeline/metrics.h"
#include "api/pipeline/throttle.h"
#include "api/pipeline/worker_pool.h"
#include "proto/http/server.h"

namespace lodge::api {

struct Call;

// A request below /lodge/v1/, and the account that signed it.
struct LodgeRequest {
    const http::Request& http;
    std::string_view path;  // from "/v1/" on, without a query
    const AccountId& account_id;
    bool is_operator = false;
};
// Answers it, on any of the workers' threads.
using LodgeApi = std::function<http::Response(const LodgeRequest&)>;

struct EndpointOptions {
    std::string metrics_token;                 // a bearer of it may read /metrics; empty: nobody
    std::optional<BucketSizes> throttle = {};  // nothing: accounts ask as fast as they like
};

// Thread-safe.
class Endpoint {
  public:
    Endpoint(const Services& services, WorkerPool& workers, Metrics& metrics, EndpointOptions options);

    // For http::Server: takes the request to a worker, unless its answer is a matter of microseconds.
    void handle(http::Request request, http::Reply reply);
    // What answers below /lodge/v1/. Once, before the first request; without it there is nothing there.
    void serve_lodge(LodgeApi api) { lodge_api_ = std::move(api); }
    // The text of /metrics.
    std::string render_metrics() const;

    // An error in EC2's shape for requests that never were one.
    static http::Response render_error(int status, std::string_view reason);

  private:
    http::Response answer(const http::Request& request, std::int64_t arrived_us);
    http::Response answer_api(const http::Request& request, std::int64_t arrived_us);
    http::Response answer_lodge(const http::Request& request, std::int64_t arrived_us);
    Result<http::Response> run_lodge(const http::Request& request, Call& call);

    const Services& services_;
    WorkerPool& workers_;
    Metrics& metrics_;
    const EndpointOptions options_;
    AccessKeys access_keys_;
    auth::SigningKeys signing_keys_;
    std::unique_ptr<Throttle> throttle_;  // null: none
    LodgeApi lodge_api_;
};

}  // namespace lodge::api
