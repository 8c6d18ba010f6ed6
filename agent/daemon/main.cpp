// lodge-agent: runs a host's guests for a control plane.
#include <pthread.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include "agent/hypervisor/libvirt.h"
#include "agent/link/http_link.h"
#include "agent/link/identity.h"
#include "agent/metadata/host_metadata.h"
#include "agent/network/ip_devices.h"
#include "agent/network/ovs_network.h"
#include "agent/reconcile/agent.h"
#include "agent/storage/file_storage.h"
#include "agent/storage/files.h"
#include "proto/base/process.h"

namespace {

using namespace lodge;

struct Options {
    std::filesystem::path state_dir = "/var/lib/lodge/agent";
    std::string pool;
    std::filesystem::path pool_dir;
    std::string server = "127.0.0.1:8774";
    std::string token;
    std::filesystem::path token_file;
    std::string libvirt_uri = "qemu:///system";
    std::string accelerator = "auto";
    agent::OvsOptions network;
    agent::DnsOptions dns;
    agent::UefiFiles uefi;
    std::string log_level = "info";
    agent::Patience patience;
};

void add_options(CLI::App& app, Options& options) {
    app.add_option("--state-dir", options.state_dir, "Folder of this host's keys, images and disks")
        ->capture_default_str();
    auto* pool =
        app.add_option("--storage-pool", options.pool,
                       "Keep volumes in a pool of this name, together with other hosts that name it");
    auto* pool_dir =
        app.add_option("--storage-pool-dir", options.pool_dir,
                       "Where the pool's file system is mounted on this host; its file lodge-pool "
                       "has the pool's name in it")
            ->needs(pool);
    pool->needs(pool_dir);
    app.add_option("--server", options.server, "HOST:PORT of the control plane's agent port")
        ->capture_default_str();
    app.add_option("--token", options.token, "One-time token of `lodge host token`, for the first start");
    app.add_option("--token-file", options.token_file, "File with the token; removed once it is used");
    app.add_option("--libvirt-uri", options.libvirt_uri, "libvirt connection")->capture_default_str();
    app.add_option("--accelerator", options.accelerator, "auto, kvm, or qemu (emulated)")
        ->check(CLI::IsMember({"auto", "kvm", "qemu"}))
        ->capture_default_str();
    app.add_option("--uefi-code", options.uefi.code, "UEFI firmware for guests: its code")
        ->capture_default_str();
    app.add_option("--uefi-variables", options.uefi.variables, "The variables that each guest's begins with")
        ->capture_default_str();
    app.add_option("--ovs-db", options.network.ovs_db, "Open vSwitch's database on this host")
        ->capture_default_str();
    app.add_option("--ovn-rundir", options.network.ovn_rundir, "Folder of ovn-controller's control socket")
        ->capture_default_str();
    app.add_option("--encap-ip", options.network.encap_ip,
                   "This host's address for tunnels from other hosts; by default what Open vSwitch has "
                   "configured, else the one towards OVN");
    app.add_option("--resolver", options.dns.resolvers,
                   "ADDRESS[:PORT] that guests' names are asked of; those of /etc/resolv.conf without");
    app.add_option("--stop-timeout-ms", options.patience.stop_ms,
                   "StopInstances: from asking the guest to force")
        ->capture_default_str();
    app.add_option("--terminate-timeout-ms", options.patience.terminate_ms, "TerminateInstances: the same")
        ->capture_default_str();
    app.add_option("--reboot-timeout-ms", options.patience.reboot_ms,
                   "RebootInstances: from asking to a reset")
        ->capture_default_str();
    app.add_option("--log-level", options.log_level, "debug, info, warn, error")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
        ->capture_default_str();
    app.set_config("--config", "", "TOML file with the same options");
    app.set_version_flag("--version", "lodge-agent 0.1.0");
}

std::string read_token(const Options& options) {
    if (!options.token.empty() || options.token_file.empty()) return options.token;
    std::ifstream in(options.token_file);
    std::string token;
    in >> token;
    return token;
}

Result<agent::Identity> identify(const Options& options) {
    auto known = agent::load_identity(options.state_dir);
    if (known) {
        if (known->server != options.server && !read_token(options).empty())
            return fail(ErrorCode::invalid_input, "this host has joined " + known->server +
                                                      " already, and the token is of " + options.server +
                                                      ": give it another --state-dir, or no token");
        known->server = options.server;
        return known;
    }
    if (known.error().code != ErrorCode::not_found) return known;
    auto token = read_token(options);
    if (token.empty())
        return fail(ErrorCode::invalid_input,
                    "this host has not joined: make a token with `lodge host token` and give it as --token");
    auto joined = agent::join(options.state_dir, options.server, token);
    if (joined && !options.token_file.empty()) std::filesystem::remove(options.token_file);
    return joined;
}

agent::OvsOptions network_options(const Options& options, const agent::Identity& identity) {
    const auto path = [](const std::filesystem::path& file) {
        return std::filesystem::absolute(file).string();
    };
    agent::OvsOptions made = options.network;
    made.host_id = identity.host_id;
    made.tls = {path(identity.key_file), path(identity.certificate_file), path(identity.ca_file)};
    return made;
}

// 0: none was kept.
std::int64_t read_epoch(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::int64_t epoch = 0;
    return in >> epoch ? epoch : 0;
}

int run(const Options& options, const sigset_t& signals) {
    allow_descriptors();
    std::error_code ignored;
    std::filesystem::create_directories(options.state_dir, ignored);
    auto identity = identify(options);
    if (!identity) {
        std::cerr << "lodge-agent: " << identity.error().message << "\n";
        return 1;
    }
    SystemClock clock;
    SystemRandom random;
    agent::HttpLink link(*identity);
    auto fetch = [&](const link::Content& content, const std::filesystem::path& into) {
        return link.fetch(content, into);
    };
    std::optional<agent::SharedPool> pool;
    if (!options.pool.empty()) pool = {options.pool_dir, options.pool, identity->host_id};
    auto storage = agent::FileStorage::open(options.state_dir, fetch, options.uefi, pool);
    if (!storage) {
        std::cerr << "lodge-agent: " << storage.error().message << "\n";
        return 1;
    }
    agent::LibvirtHypervisor hypervisor(
        {options.libvirt_uri, *agent::parse_accelerator(options.accelerator), identity->host_id});
    agent::IpDevices devices;
    agent::OvsNetwork network(network_options(options, *identity), devices, clock);
    agent::MetadataOptions metadata_options;
    metadata_options.folder = options.state_dir / "metadata";
    metadata_options.fetch = [&](const GuestId& guest_id) { return link.launch_data({guest_id}); };
    auto metadata = agent::HostMetadata::start(metadata_options, options.dns, clock, random);
    if (!metadata) {
        std::cerr << "lodge-agent: " << metadata.error().message << "\n";
        return 1;
    }
    agent::AgentOptions agent_options;
    agent_options.host_id = identity->host_id;
    agent_options.patience = options.patience;
    agent_options.storage_pool = options.pool;
    const auto epoch_file = options.state_dir / "epoch";
    agent_options.epoch = read_epoch(epoch_file);
    agent_options.keep_epoch = [&](std::int64_t epoch) {
        return agent::write_file(epoch_file, std::to_string(epoch) + "\n", 0600);
    };
    agent::Agent running({hypervisor, **storage, network, **metadata}, link, clock, random, agent_options);
    running.start();
    spdlog::info("lodge-agent of host {} serves {}", identity->host_id.str(), identity->server);
    int signal = 0;
    sigwait(&signals, &signal);
    spdlog::info("stopping; guests go on running");
    running.stop();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("lodge-agent: runs a host's guests for a Lodge control plane");
    Options options;
    add_options(app, options);
    CLI11_PARSE(app, argc, argv);
    spdlog::set_default_logger(spdlog::stderr_color_mt("lodge-agent"));
    spdlog::set_level(spdlog::level::from_str(options.log_level));
    spdlog::flush_on(spdlog::level::info);
    // Before any thread: all of them leave these signals to sigwait().
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return run(options, signals);
}
