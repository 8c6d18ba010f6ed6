// The AWS endpoint: one request from HTTP to XML.
#pragma once

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
    // The text of /metrics.
    std::string render_metrics() const;

    // An error in EC2's shape for requests that never were one.
    static http::Response render_error(int status, std::string_view reason);

  private:
    http::Response answer(const http::Request& request, std::int64_t arrived_us);
    http::Response answer_api(const http::Request& request, std::int64_t arrived_us);

    const Services& services_;
    WorkerPool& workers_;
    Metrics& metrics_;
    const EndpointOptions options_;
    AccessKeys access_keys_;
    auth::SigningKeys signing_keys_;
    std::unique_ptr<Throttle> throttle_;  // null: none
};

}  // namespace lodge::api
