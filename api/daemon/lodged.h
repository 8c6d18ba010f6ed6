// The whole control plane, put together.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "api/admin/admin.h"
#include "api/daemon/options.h"
#include "api/daemon/simulation.h"
#include "api/link/link_service.h"
#include "api/pipeline/endpoint.h"
#include "api/tasks/worker.h"
#include "scheduler/network/reconciler.h"
#include "scheduler/reconcile/upkeep.h"

namespace lodge::api {

class Lodged {
  public:
    // Opens the database, starts everything, listens. An error says what to do about it.
    static Result<std::unique_ptr<Lodged>> start(const Options& options);
    // Lets requests under way finish, answers waiting agents, stops.
    ~Lodged();

    std::string endpoint() const { return services_->settings.endpoint; }
    std::string default_region() const { return services_->settings.default_region; }

  private:
    explicit Lodged(const Options& options) : options_(options) {}
    Status prepare_folders();
    Status open_database();
    Status open_keys();
    Status make_network();
    Status make_services();
    Status listen_api();
    Status listen_agents();
    Status listen_admin();
    Status start_simulation();
    Status wait_for_hosts(const std::vector<HostId>& hosts);
    void wake_hosts_of(const VpcId& vpc_id);
    void upkeep_loop();

    Options options_;
    SystemClock clock_;
    SystemRandom random_;
    std::vector<Zone> zones_;
    std::vector<Cidr> public_pool_;
    Cidr ipv6_pool_;
    std::optional<BucketSizes> throttle_;
    images::Places places_;
    std::string paging_key_;
    std::string cloud_id_;
    volumes::KeyRing keys_;
    std::string keys_problem_;
    LinkTls link_tls_;
    std::unique_ptr<db::Database> database_;
    std::optional<catalogue::Catalogue> catalogue_;
    std::unique_ptr<scheduler::Claims> claims_;
    std::unique_ptr<WorkerPool> workers_;        // the API's requests
    std::unique_ptr<WorkerPool> admin_workers_;  // the operator's, who comes through when the API is busy
    std::unique_ptr<WorkerPool> link_workers_;   // the agents'
    std::unique_ptr<scheduler::HostHub> hub_;
    std::unique_ptr<scheduler::Agents> agents_;
    std::unique_ptr<network::Northbound> northbound_;
    std::unique_ptr<network::Reconciler> network_;
    std::unique_ptr<Services> services_;
    Metrics metrics_;
    std::unique_ptr<Endpoint> endpoint_;
    std::unique_ptr<LinkService> link_service_;
    std::unique_ptr<Admin> admin_;
    std::unique_ptr<http::Server> api_server_;
    std::atomic<bool> serving_{false};
    std::unique_ptr<http::Server> agent_server_;
    std::unique_ptr<http::Server> admin_server_;
    std::unique_ptr<Simulation> simulation_;
    std::unique_ptr<tasks::Worker> tasks_;
    std::thread upkeep_thread_;
    std::mutex stop_mutex_;
    std::condition_variable stop_wake_;
    bool stopping_ = false;
};

}  // namespace lodge::api
