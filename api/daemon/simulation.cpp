#include "api/daemon/simulation.h"

#include <atomic>
#include <future>
#include <thread>

#include "agent/hypervisor/fake.h"
#include "agent/network/fake.h"
#include "agent/reconcile/agent.h"
#include "agent/storage/null_storage.h"
#include "api/actions/image_names.h"
#include "db/store/accounts.h"
#include "db/store/hosts.h"
#include "db/store/images.h"
#include "db/store/volumes.h"
#include "proto/base/encoding.h"
#include "scheduler/network/make.h"

namespace lodge::api {
namespace {

constexpr std::int64_t host_vcpus = 64;
constexpr std::int64_t host_memory_mib = 256 * 1024;
constexpr std::int64_t host_disk_mib = 4 * 1024 * 1024;

// A link that is a call. A poll's answer comes on the control plane's executor.
class DirectLink final : public agent::Link {
  public:
    DirectLink(scheduler::Agents& agents, HostId id) : agents_(agents), id_(std::move(id)) {}

    Result<link::HelloReply> hello(const link::HelloRequest& request) override {
        return agents_.hello(id_, request);
    }
    Result<link::HeartbeatReply> heartbeat(const link::Heartbeat& heartbeat) override {
        return agents_.heartbeat(id_, heartbeat);
    }
    Result<link::PollReply> poll(const link::PollRequest& request) override {
        if (interrupted_) return fail(ErrorCode::service_unavailable, "the simulation is stopping");
        auto promise = std::make_shared<std::promise<Result<link::PollReply>>>();
        auto future = promise->get_future();
        agents_.poll(id_, request,
                     [promise](Result<link::PollReply> reply) { promise->set_value(std::move(reply)); });
        while (future.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready)
            if (interrupted_) return fail(ErrorCode::service_unavailable, "the simulation is stopping");
        return future.get();
    }
    Result<link::ReportReply> report(const link::ReportRequest& request) override {
        return agents_.report(id_, request);
    }
    Result<link::LeftoversReply> leftovers(const link::LeftoversRequest& request) override {
        return agents_.leftovers(id_, request);
    }
    Result<link::LaunchDataReply> launch_data(const link::LaunchDataRequest&) override {
        return fail(ErrorCode::not_found, "simulated guests ask for no metadata");
    }
    Status fetch(const link::Content&, const std::filesystem::path&) override {
        return fail(ErrorCode::not_found, "simulated hosts have no files");
    }
    Status store_layer(const SnapshotId& snapshot_id, const link::Content& content,
                       const std::filesystem::path&) override {
        return agents_.layer(id_, {snapshot_id, content}).map([](auto&&) {});
    }
    void interrupt() override { interrupted_ = true; }

  private:
    scheduler::Agents& agents_;
    const HostId id_;
    std::atomic<bool> interrupted_{false};
};

void insert_account(db::Session& session, const std::vector<Zone>& zones, UnixMs now_ms, Random& random) {
    if (db::accounts::find(session, simulated_account)) return;
    db::accounts::insert(session, {simulated_account, "simulated", now_ms});
    db::accounts::insert_key(session,
                             {simulated_access_key, simulated_account, simulated_secret_key, true, now_ms});
    network::make_default_networks(session, simulated_account, zones, now_ms, random);
}

void insert_image(db::Session& session, const std::string& region, UnixMs now_ms) {
    if (db::images::find_any(session, simulated_image)) return;
    Image image;
    image.id = *parse_image_id(simulated_image);
    image.account_id = operator_account;
    image.region = region;
    image.name = "lodge-simulated";
    image.description = "An image without content, for simulated guests";
    image.architecture = "x86_64";
    image.location = image.account_id + "/" + image.name;
    image.blob = {hex_encode(sha256("simulated")), "qcow2", 1 << 20, std::int64_t{1} << 30};
    image.root_device_name = "/dev/vda";
    image.is_public = true;
    image.created_ms = now_ms;
    db::images::insert(session, image);
}

}  // namespace

struct Simulation::SimulatedHost {
    SimulatedHost(scheduler::Agents& agents, const HostId& id, const std::vector<VolumeId>& disks,
                  std::int64_t boot_ms, const Clock& clock, Random& random)
        : hypervisor(clock, {"simulated-" + id.str(), "x86_64", host_vcpus, host_memory_mib, "simulated"},
                     boot_ms),
          storage(
              host_disk_mib, [this](const InstanceId& instance) { return hypervisor.console(instance); },
              [this](const InstanceId& instance) { hypervisor.forget_console(instance); }),
          link(agents, id),
          agent({hypervisor, storage, network, metadata}, link, clock, random, options(id)) {
        for (const auto& volume_id : disks) storage.add_disk(volume_id);
        agent.start();
    }

    static agent::AgentOptions options(const HostId& id) {
        agent::AgentOptions made;
        made.host_id = id;
        made.soon_ms = 20;
        made.workers = 1;
        made.fetchers = 0;  // every image is there
        return made;
    }

    agent::FakeHypervisor hypervisor;
    agent::NullStorage storage;
    agent::FakeNetwork network;
    agent::NullMetadataSink metadata;
    DirectLink link;
    agent::Agent agent;
};

Result<std::vector<HostId>> prepare_simulation(db::Database& database, int hosts,
                                               const std::vector<Zone>& zones, const Clock& clock,
                                               Random& random) {
    return database.write([&](db::Session& session) -> Result<std::vector<HostId>> {
        insert_account(session, zones, clock.now_ms(), random);
        insert_image(session, zones.front().region, clock.now_ms());
        std::vector<HostId> ids;
        for (const auto& known : db::hosts::list(session)) ids.push_back(known.id);
        while (ids.size() < static_cast<std::size_t>(hosts)) {
            Host host;
            host.id = HostId::make(random);
            host.name = "simulated";
            host.zone = zones[ids.size() % zones.size()].name;
            host.certificate_sha256 = host.id.str();  // nobody has it; without one it would count as removed
            host.created_ms = clock.now_ms();
            db::hosts::insert(session, host);
            ids.push_back(host.id);
        }
        ids.resize(static_cast<std::size_t>(hosts));
        return ids;
    });
}

Simulation::Simulation(db::Database& database, scheduler::Agents& agents, const std::vector<HostId>& hosts,
                       std::int64_t boot_ms, const Clock& clock, Random& random) {
    using DisksByHost = std::map<HostId, std::vector<VolumeId>>;
    auto disks = database.read(
        [](db::Session& session) -> Result<DisksByHost> { return db::volumes::by_host(session); });
    for (const auto& id : hosts)
        hosts_.push_back(std::make_unique<SimulatedHost>(
            agents, id, disks ? (*disks)[id] : std::vector<VolumeId>(), boot_ms, clock, random));
}

Simulation::~Simulation() {
    for (auto& host : hosts_) host->agent.stop();
}

}  // namespace lodge::api
