// The agents' port: JSON over HTTPS in front of scheduler::Agents. A host is who its certificate says.
#pragma once

#include <filesystem>
#include <string>

#include "api/link/authority.h"
#include "api/link/layer_receiver.h"
#include "api/pipeline/worker_pool.h"
#include "proto/http/server.h"
#include "scheduler/reconcile/agents.h"

namespace lodge::api {

// Thread-safe.
class LinkService {
  public:
    LinkService(db::Database& database, scheduler::Agents& agents, const LinkTls& tls,
                std::filesystem::path image_dir, WorkerPool& workers, const Clock& clock, Random& random);

    void handle(http::Request request, http::Reply reply);

  private:
    void answer(const http::Request& request, const http::Reply& reply);
    Result<link::JoinReply> join(const link::JoinRequest& request);
    Result<HostId> authenticate(const http::Request& request);
    http::Response image(const std::string& sha256) const;
    http::Response layer_piece(const HostId& host, const http::Request& request);

    db::Database& database_;
    scheduler::Agents& agents_;
    const LinkTls& tls_;
    const std::filesystem::path image_dir_;
    WorkerPool& workers_;
    const Clock& clock_;
    Random& random_;
    LayerReceiver layers_;
};

}  // namespace lodge::api
