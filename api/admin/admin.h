// The operators' API: JSON over HTTP. On a unix socket that only its owner can open, with `lodge` as its
// client; and below /lodge/v1/ of the endpoint, signed as EC2's requests are, where openapi.json describes
// it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "api/pipeline/context.h"
#include "api/pipeline/endpoint.h"
#include "api/pipeline/worker_pool.h"
#include "proto/http/server.h"
#include "scheduler/reconcile/leftovers.h"

namespace lodge::api {

struct AdminFacts {
    std::filesystem::path state_dir;
    std::filesystem::path image_dir;
    std::string agent_endpoint;  // "127.0.0.1:8774"
    std::string ca_sha256;
    std::string identity_certificate;              // PEM: what instance identity documents are verified with
    std::function<std::string()> network_problem;  // why OVN does not follow; empty when it does
    std::string keys_problem;                      // why encrypted volumes cannot be opened; empty: they can
    scheduler::Leftovers* leftovers = nullptr;     // never null
    std::int64_t calendar_ahead_ms = 0;            // of steady time, when lodged started
};

// Thread-safe.
class Admin {
  public:
    Admin(const Services& services, const Endpoint& endpoint, WorkerPool& workers, AdminFacts facts);
    // Of the socket.
    void handle(http::Request request, http::Reply reply);
    // Of the endpoint. Blocks.
    http::Response answer(const LodgeRequest& request);

  private:
    http::Response answer_socket(const http::Request& request);

    const Services& services_;
    const Endpoint& endpoint_;
    WorkerPool& workers_;
    const AdminFacts facts_;
};

// Takes content out of the image folder that was an image's or a layer's and that nothing uses any more, when
// it is ten minutes old, and what the database has never heard of, after a week; of an image that has just
// been deleted, `only` its content, whatever its age. What importers at work keep it from stays until the
// next time. Blocks.
void sweep_images(db::Database& database, const std::filesystem::path& image_dir,
                  const std::string* only = nullptr);

}  // namespace lodge::api
