#include "api/daemon/lodged.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "api/actions/image_names.h"
#include "api/pipeline/json_reply.h"
#include "db/driver/sqlite.h"
#include "db/schema/migrate.h"
#include "db/store/accounts.h"
#include "db/store/disk_keys.h"
#include "db/store/instances.h"
#include "db/store/settings.h"
#include "db/store/zones.h"
#include "scheduler/network/addresses.h"
#include "scheduler/network/make.h"
#include "scheduler/network/memory_northbound.h"
#include "scheduler/network/ovsdb_northbound.h"

#ifndef LODGE_CATALOGUE_FILE
#define LODGE_CATALOGUE_FILE "api/catalogue/instance_types.toml"
#endif

namespace lodge::api {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t stop_grace_ms = 5'000;
constexpr std::int64_t tick_ms = 500;
constexpr int ticks_between_sweeps = 120;
constexpr std::size_t queue_limit = 10'000;
constexpr std::size_t link_threads = 16;
constexpr std::size_t admin_threads = 2;

std::string setting_or_new(db::Session& session, std::string_view name, Random& random) {
    if (auto known = db::settings::get(session, name)) return *known;
    auto made = random.hex(64);
    db::settings::put(session, name, made);
    return made;
}

// Installed beside the program, or in the source tree that it was built from.
fs::path find_catalogue(const Options& options) {
    if (!options.catalogue.empty()) return options.catalogue;
    std::error_code error;
    auto installed =
        fs::read_symlink("/proc/self/exe", error).parent_path() / "../share/lodge/instance_types.toml";
    return fs::exists(installed, error) ? installed : fs::path(LODGE_CATALOGUE_FILE);
}

std::string host_name() {
    char name[256] = {};
    return gethostname(name, sizeof name - 1) == 0 && name[0] ? name : "localhost";
}

std::string shown_address(const std::string& address) {
    if (address == "0.0.0.0" || address == "::") return host_name();
    return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

}  // namespace

Result<std::unique_ptr<Lodged>> Lodged::start(const Options& options) {
    std::unique_ptr<Lodged> made(new Lodged(options));
    LODGE_TRY(made->zones_, parse_zones(options.zone_names));
    LODGE_TRY(made->public_pool_, parse_public_pool(options.public_pool));
    LODGE_TRY(made->ipv6_pool_, parse_ipv6_pool(options.ipv6_pool));
    LODGE_TRY(made->throttle_, parse_throttle(options));
    LODGE_TRY(made->places_, images::parse_places(options.import_folders, options.import_urls,
                                                  options.import_buckets, options.export_buckets));
    LODGE_CHECK(made->prepare_folders());
    LODGE_CHECK(made->open_database());
    LODGE_CHECK(made->open_keys());
    LODGE_CHECK(made->make_services());
    LODGE_CHECK(made->make_network());
    LODGE_CHECK(made->listen_api());  // before what tells its port; it answers 503 until all of it is there
    LODGE_CHECK(made->listen_agents());
    LODGE_CHECK(made->listen_admin());
    LODGE_CHECK(made->start_simulation());
    made->tasks_ = std::make_unique<tasks::Worker>(tasks::Tools{
        *made->database_, made->clock_, made->random_, made->options_.state_dir / "images", made->places_});
    made->serving_ = true;
    made->upkeep_thread_ = std::thread([lodged = made.get()] { lodged->upkeep_loop(); });
    return made;
}

Status Lodged::prepare_folders() {
    if (options_.simulate > 0 && !options_.state_dir_given) {
        options_.state_dir = fs::temp_directory_path() / ("lodge-simulated-" + std::to_string(getpid()));
        options_.agent_port = 0;
    }
    std::error_code error;
    fs::create_directories(options_.state_dir / "images" / "incoming", error);
    if (error)
        return fail(ErrorCode::io_failure,
                    "cannot make " + options_.state_dir.string() + ": " + error.message());
    return {};
}

Status Lodged::open_database() {
    LODGE_TRY(database_, db::open_sqlite(options_.state_dir / "lodge.db"));
    LODGE_CHECK(db::migrate(*database_));
    claims_ = std::make_unique<scheduler::Claims>(options_.overcommit);
    return database_->write([&](db::Session& session) -> Status {
        for (const auto& zone : zones_) db::zones::put(session, zone);
        if (!db::accounts::find(session, std::string(operator_account)))
            db::accounts::insert(session, {std::string(operator_account), "operator", clock_.now_ms()});
        for (const auto& account : db::accounts::list(session))
            if (account.id != operator_account)  // which runs nothing
                network::make_default_networks(session, account.id, zones_, clock_.now_ms(), random_);
        if (!network::equip_gateways(session, public_pool_, random_))
            spdlog::warn("the public pool has run out: not every VPC has a way out");
        paging_key_ = setting_or_new(session, "paging_key", random_);
        cloud_id_ = setting_or_new(session, "cloud_id", random_);
        claims_->load(session);
        return {};
    });
}

// Once volumes are encrypted, a master key that is missing or another one keeps those from starting, and
// nothing else; a new one would never open them.
Status Lodged::open_keys() {
    LODGE_TRY(const auto known, database_->read([](db::Session& session) {
        return Result<std::optional<db::disk_keys::Record>>(db::disk_keys::first(session));
    }));
    const bool is_own = options_.master_key_file.empty();
    const fs::path file = is_own ? options_.state_dir / "master.key" : options_.master_key_file;
    auto ring = volumes::KeyRing::read(file, is_own && !known, random_);
    if (ring && known && !ring->unwrap(known->id, known->wrapped))
        ring = fail(ErrorCode::conflict,
                    "the master key " + file.string() + " is not the one that volumes were encrypted with");
    if (ring) {
        keys_ = std::move(*ring);
        return {};
    }
    if (!known) return tl::unexpected<Error>(std::move(ring.error()));
    keys_problem_ = ring.error().message;
    spdlog::error("{}: instances with encrypted volumes do not start", keys_problem_);
    return {};
}

Status Lodged::make_services() {
    LODGE_TRY(catalogue_, catalogue::Catalogue::load(find_catalogue(options_), options_.instance_types));
    workers_ = std::make_unique<WorkerPool>(options_.threads, queue_limit);
    admin_workers_ = std::make_unique<WorkerPool>(admin_threads, queue_limit);
    link_workers_ = std::make_unique<WorkerPool>(link_threads, queue_limit);
    hub_ = std::make_unique<scheduler::HostHub>(
        clock_, random_, [this](const std::function<void()>& task) { return link_workers_->post(task); },
        options_.timing.lease_ms, options_.overcommit.reserved_disk_mib);
    link::ChassisSettings chassis{!options_.ovn_northbound.empty() || options_.simulate > 0,
                                  options_.ovn_chassis_remote, std::string(network::public_switch),
                                  options_.guest_mtu};
    agents_ = std::make_unique<scheduler::Agents>(*database_, *claims_, *hub_, clock_, options_.timing,
                                                  chassis, keys_);
    Settings settings;
    settings.default_region = options_.region.empty() ? zones_.front().region : options_.region;
    settings.zones = zones_;
    if (settings.zones_of(settings.default_region).empty())
        return fail(ErrorCode::invalid_input, "no zone is in the default region " + options_.region +
                                                  "; give --zones, such as " + options_.region + "a");
    settings.strategy =
        options_.strategy == "spread" ? scheduler::Strategy::spread : scheduler::Strategy::best_fit;
    settings.paging_key = paging_key_;
    settings.public_pool = public_pool_;
    settings.ipv6_pool = ipv6_pool_;
    settings.limits = options_.limits;
    settings.places = places_;
    services_ = std::make_unique<Services>(
        Services{*database_, *claims_, *hub_, clock_, random_, *catalogue_, settings, keys_});
    endpoint_ = std::make_unique<Endpoint>(*services_, *workers_, metrics_,
                                           EndpointOptions{options_.metrics_token, throttle_});
    return {};
}

// A simulation has a network in memory; so has who asked for none.
Status Lodged::make_network() {
    if (options_.simulate > 0 || options_.ovn_northbound.empty())
        northbound_ = std::make_unique<network::MemoryNorthbound>(random_);
    else
        northbound_ = std::make_unique<network::OvsdbNorthbound>(
            network::OvnRemotes{options_.ovn_northbound, options_.ovn_southbound, {}}, cloud_id_);
    network::Cloud cloud{services_->settings.public_pool.front(), {}, options_.guest_mtu, ipv6_pool_};
    network::Surroundings surroundings;
    surroundings.is_heard = [this](const std::string& chassis) {
        auto id = HostId::parse(chassis);
        return id && hub_->condition(*id, HostState::active) != scheduler::HostCondition::unreachable;
    };
    surroundings.written = [this](const VpcId& vpc_id) { wake_hosts_of(vpc_id); };
    network_ = std::make_unique<network::Reconciler>(*database_, *northbound_, clock_, cloud, surroundings);
    network_->start();
    return {};
}

// What guests' metadata tells of their network has changed.
void Lodged::wake_hosts_of(const VpcId& vpc_id) {
    auto hosts = database_->read([&](db::Session& session) -> Result<std::vector<HostId>> {
        return db::instances::hosts_in_vpc(session, vpc_id);
    });
    if (!hosts) return;
    for (const auto& host : *hosts) hub_->changed(host);
}

Status Lodged::listen_api() {
    http::Config config;
    config.address = options_.listen;
    config.port = options_.port;
    config.threads = 2;
    config.limits.body_bytes = options_.body_bytes;
    config.limits.max_connections = options_.max_connections;
    config.render_error = Endpoint::render_error;
    if (!options_.tls_certificate.empty()) {
        http::Tls tls;
        tls.certificate_chain_file = options_.tls_certificate;
        tls.private_key_file = options_.tls_key;
        config.tls = tls;
    }
    LODGE_TRY(api_server_, http::Server::start(config, [this](http::Request request, http::Reply reply) {
                  if (!serving_) return reply(Endpoint::render_error(503, "The service is starting."));
                  endpoint_->handle(std::move(request), std::move(reply));
              }));
    // Only now is the port known for sure.
    services_->settings.endpoint = std::string(config.tls ? "https" : "http") + "://" +
                                   shown_address(options_.listen) + ":" + std::to_string(api_server_->port());
    return {};
}

Status Lodged::listen_agents() {
    LODGE_TRY(link_tls_, prepare_link_tls(*database_, options_.state_dir / "pki",
                                          {host_name(), "localhost", "127.0.0.1"}, clock_.now_ms(), random_));
    if (options_.simulate > 0) return {};
    http::Config config;
    config.address = options_.agent_listen;
    config.port = options_.agent_port;
    config.limits.body_bytes = std::uint64_t{64} << 20;  // consoles of many guests at once
    config.limits.anonymous_body_bytes = 64 << 10;       // who joins
    config.limits.write_timeout_ms = 60'000;
    config.render_error = json_render_error;
    http::Tls tls;
    tls.certificate_chain_file = link_tls_.certificate_file;
    tls.private_key_file = link_tls_.key_file;
    tls.client_ca_file = link_tls_.ca_file;
    config.tls = tls;
    link_service_ = std::make_unique<LinkService>(
        *database_, *agents_, link_tls_, options_.state_dir / "images", *link_workers_, clock_, random_);
    LODGE_TRY(agent_server_, http::Server::start(config, [this](http::Request request, http::Reply reply) {
                  link_service_->handle(std::move(request), std::move(reply));
              }));
    return {};
}

Status Lodged::listen_admin() {
    AdminFacts facts;
    facts.state_dir = options_.state_dir;
    facts.image_dir = options_.state_dir / "images";
    facts.agent_endpoint = shown_address(options_.agent_listen) + ":" + std::to_string(options_.agent_port);
    facts.ca_sha256 = link_tls_.ca_sha256;
    facts.identity_certificate = link_tls_.identity_signer.certificate_pem;
    facts.network_problem = [this] { return network_->problem(); };
    facts.keys_problem = keys_problem_;
    facts.leftovers = &agents_->leftovers();
    facts.calendar_ahead_ms = clock_.now_ms() - clock_.steady_ms();
    admin_ = std::make_unique<Admin>(*services_, *endpoint_, *admin_workers_, facts);
    endpoint_->serve_lodge([this](const LodgeRequest& request) { return admin_->answer(request); });
    http::Config config;
    config.unix_socket_path = options_.state_dir / "lodged.sock";
    config.render_error = json_render_error;
    LODGE_TRY(admin_server_, http::Server::start(config, [this](http::Request request, http::Reply reply) {
                  admin_->handle(std::move(request), std::move(reply));
              }));
    return {};
}

Status Lodged::start_simulation() {
    if (options_.simulate == 0) return {};
    LODGE_TRY(auto hosts, prepare_simulation(*database_, options_.simulate, zones_, clock_, random_));
    LODGE_CHECK(database_->write([&](db::Session& session) -> Status {
        network::equip_gateways(session, public_pool_, random_);
        return {};
    }));
    simulation_ =
        std::make_unique<Simulation>(*database_, *agents_, hosts, options_.simulate_boot_ms, clock_, random_);
    return wait_for_hosts(hosts);
}

// Simulated hosts join in milliseconds; who asks right after the start finds them.
Status Lodged::wait_for_hosts(const std::vector<HostId>& hosts) {
    auto all_ready = [&](db::Session&) -> Result<bool> {
        return std::all_of(hosts.begin(), hosts.end(), [&](const HostId& id) {
            const auto* host = claims_->index().find(id);
            return host && host->condition == scheduler::HostCondition::ok;
        });
    };
    for (int tries = 0; tries < 500; ++tries) {
        LODGE_TRY(bool ready, database_->write(all_ready));
        if (ready) return {};
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return fail(ErrorCode::service_unavailable, "the simulated hosts do not come up");
}

void Lodged::upkeep_loop() {
    auto applied = [this](const VpcId& vpc_id, std::int64_t revision) {
        return network_->is_applied(vpc_id, revision);
    };
    scheduler::Upkeep upkeep(*database_, *claims_, *hub_, clock_, options_.timing, applied);
    for (int ticks = 0;; ++ticks) {
        upkeep.tick();
        if (ticks % ticks_between_sweeps == 0) sweep_images(*database_, options_.state_dir / "images");
        std::unique_lock lock(stop_mutex_);
        stop_wake_.wait_for(lock, std::chrono::milliseconds(tick_ms), [this] { return stopping_; });
        if (stopping_) return;
    }
}

Lodged::~Lodged() {
    {
        std::lock_guard lock(stop_mutex_);
        stopping_ = true;
    }
    stop_wake_.notify_all();
    if (upkeep_thread_.joinable()) upkeep_thread_.join();
    tasks_.reset();
    simulation_.reset();
    network_.reset();
    if (hub_) hub_->release_all();
    if (api_server_) api_server_->stop(stop_grace_ms);
    if (agent_server_) agent_server_->stop(stop_grace_ms);
    if (admin_server_) admin_server_->stop(stop_grace_ms);
    if (workers_) workers_->stop();
    if (admin_workers_) admin_workers_->stop();
    if (link_workers_) link_workers_->stop();
    bool temporary = options_.simulate > 0 && !options_.state_dir_given;
    if (!temporary) return;
    database_.reset();
    std::error_code ignored;
    fs::remove_all(options_.state_dir, ignored);
}

}  // namespace lodge::api
