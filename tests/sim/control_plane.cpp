#include "tests/sim/control_plane.h"

#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>

#include "api/actions/image_names.h"
#include "api/pipeline/dispatch.h"
#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/hosts.h"
#include "db/store/images.h"
#include "db/store/zones.h"
#include "proto/base/encoding.h"
#include "scheduler/network/addresses.h"
#include "scheduler/network/make.h"
#include "scheduler/reconcile/fencing.h"

namespace lodge::sim {
namespace {

const std::vector<Zone> zones = {{"us-east-1a", region, "use1-az1"}, {"us-east-1b", region, "use1-az2"}};
const std::vector<Cidr> public_pool = {*Cidr::parse("198.19.64.0/22")};

const catalogue::Catalogue& instance_types() {
    static const auto loaded =
        catalogue::Catalogue::load(std::string(LODGE_SOURCE_DIR) + "/api/catalogue/instance_types.toml", {});
    return loaded.value();
}

template <class Value>
void must(const Result<Value>& result) {
    if (!result) throw std::runtime_error(result.error().message);
}

Image image() {
    Image made;
    made.id = ImageId::trusted(image_id);
    made.account_id = api::operator_account;
    made.region = region;
    made.name = "lodge-simulated";
    made.architecture = "x86_64";
    made.location = made.account_id + "/" + made.name;
    made.blob = {hex_encode(sha256("simulated")), "qcow2", 1 << 20, std::int64_t{1} << 30};
    made.root_device_name = "/dev/vda";
    made.is_public = true;
    made.created_ms = 1;
    return made;
}

}  // namespace

scheduler::Timing timing() {
    scheduler::Timing made;
    made.deadlines = {60'000, 60'000, 60'000};
    made.lease_ms = 2'000;  // a history is ten seconds long
    made.heartbeat_ms = 400;
    return made;
}

namespace {

const std::string master_key(32, 'k');

std::vector<HostId> build_database(const std::filesystem::path& file, int hosts) {
    auto database = db::open_sqlite(file);
    must(database);
    must(db::migrate(**database));
    SeededRandom random(1);
    std::vector<HostId> ids;
    must((*database)->write([&](db::Session& session) -> Status {
        for (const auto& zone : zones) db::zones::put(session, zone);
        db::accounts::insert(session, {std::string(api::operator_account), "operator", 1});
        for (const auto* account : accounts) {
            db::accounts::insert(session, {account, account, 1});
            network::make_default_networks(session, account, zones, 1, random);
        }
        db::images::insert(session, image());
        for (int i = 0; i < hosts; ++i) {
            Host host;
            host.id = HostId::make(random);
            host.name = "simulated";
            host.zone = zones[static_cast<std::size_t>(i) % zones.size()].name;
            host.certificate_sha256 = host.id.str();
            host.created_ms = 1;
            db::hosts::insert(session, host);
            ids.push_back(host.id);
        }
        network::equip_gateways(session, public_pool, random);
        return {};
    }));
    return ids;
}

}  // namespace

// Made once for each number of hosts, then copied.
std::vector<HostId> make_database(const std::filesystem::path& file, int hosts) {
    struct Made {
        std::string bytes;
        std::vector<HostId> ids;
    };
    static std::mutex mutex;
    static std::map<int, Made> known;
    std::lock_guard lock(mutex);
    auto [made, is_new] = known.try_emplace(hosts);
    if (is_new) {
        made->second.ids = build_database(file, hosts);
        std::ostringstream bytes;
        bytes << std::ifstream(file, std::ios::binary).rdbuf();
        made->second.bytes = bytes.str();
    } else {
        std::ofstream(file, std::ios::binary) << made->second.bytes;
    }
    return made->second.ids;
}

ControlPlane::ControlPlane(const std::filesystem::path& file, network::Northbound& northbound,
                           const Clock& clock, std::uint64_t seed, CrashPlan& plan)
    : clock_(clock), random_(seed), claims_(scheduler::Overcommit{}) {
    auto opened = db::open_sqlite(file);
    must(opened);
    database_ = std::make_unique<CrashingDatabase>(std::move(*opened), plan);
    begin();
    auto run_now = [](const std::function<void()>& task) {
        task();
        return true;
    };
    hub_ = std::make_unique<scheduler::HostHub>(clock_, random_, run_now, timing().lease_ms, 2048);
    link::ChassisSettings chassis{true, "", "public", 1442};
    const volumes::FlattenFrom flatten{2, 3};  // chains get no longer in a history
    agents_ = std::make_unique<scheduler::Agents>(*database_, claims_, *hub_, clock_, timing(), chassis,
                                                  volumes::KeyRing(master_key), flatten);
    api::Settings settings;
    settings.zones = zones;
    settings.public_pool = public_pool;
    settings.paging_key = "a key";
    settings.console_wait_ms = 0;
    services_ = std::make_unique<api::Services>(api::Services{*database_, claims_, *hub_, clock_, random_,
                                                              instance_types(), settings,
                                                              volumes::KeyRing(master_key)});
    network::Surroundings surroundings;
    surroundings.is_heard = [this](const std::string& name) {
        auto id = HostId::parse(name);
        return id && hub_->condition(*id, HostState::active) != scheduler::HostCondition::unreachable;
    };
    network_ = std::make_unique<network::Reconciler>(
        *database_, northbound, clock_, network::Cloud{public_pool.front(), {}, 1442}, surroundings);
    database_->on_announcement([this](const std::string& id) { network_->changed(id); });
    upkeep_ = std::make_unique<scheduler::Upkeep>(*database_, claims_, *hub_, clock_, timing(),
                                                  [this](const VpcId& vpc_id, std::int64_t revision) {
                                                      return network_->is_applied(vpc_id, revision);
                                                  });
}

ControlPlane::~ControlPlane() {
    database_->on_announcement(nullptr);
}

void ControlPlane::begin() {
    must(database_->write([&](db::Session& session) -> Status {
        claims_.load(session);
        return {};
    }));
}

Result<std::string> ControlPlane::call(const std::string& account, const std::string& action,
                                       const Words& words) {
    query::Parameters parameters = {{"Action", action}, {"Version", "2016-11-15"}};
    for (const auto& [name, value] : words) parameters.push_back({name, value});
    const auto* dispatch = api::find_dispatch("ec2", action);
    if (!dispatch) throw std::runtime_error("there is no action " + action);
    LODGE_TRY(auto tree, query::ParameterTree::build(parameters));
    api::RequestContext context(*services_);
    context.account_id = account;
    context.region = region;
    context.action = action;
    context.request_id = random_.uuid();
    context.fingerprint = query::fingerprint(parameters);
    return dispatch->run(context, tree, *query::find_protocol("ec2"));
}

Result<scheduler::Fenced> ControlPlane::fence(const HostId& id) {
    return database_->write([&](db::Session& session) -> Result<scheduler::Fenced> {
        return scheduler::fence(session, claims_, *hub_, *db::hosts::find(session, id), clock_.now_ms());
    });
}

void ControlPlane::tick() {
    upkeep_->tick();
    network_->run_once();
}

}  // namespace lodge::sim
