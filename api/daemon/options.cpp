#include "api/daemon/options.h"

#include <CLI/CLI.hpp>

namespace lodge::api {
namespace {

void add_listeners(CLI::App& app, Options& o) {
    auto* state = app.add_option("--state-dir", o.state_dir, "Folder of the database, images and keys")
                      ->capture_default_str();
    state->each([&](const std::string&) { o.state_dir_given = true; });
    app.add_option("--listen", o.listen, "Address of the AWS endpoint")->capture_default_str();
    app.add_option("--port", o.port, "Port of the AWS endpoint")->capture_default_str();
    app.add_option("--agent-listen", o.agent_listen, "Address for agents")->capture_default_str();
    app.add_option("--agent-port", o.agent_port, "Port for agents")->capture_default_str();
    auto* certificate = app.add_option("--tls-certificate", o.tls_certificate,
                                       "PEM chain for the AWS endpoint; plain HTTP without");
    auto* key = app.add_option("--tls-key", o.tls_key, "PEM key that goes with it")->needs(certificate);
    certificate->needs(key);
    app.add_option("--master-key-file", o.master_key_file,
                   "What wraps the keys of encrypted volumes: 64 hexadecimal digits; without, master.key in "
                   "the state folder, which is made if it is missing");
    app.add_option("--metrics-token", o.metrics_token,
                   "Bearer token for /metrics on the endpoint; without one, /metrics is on lodged.sock only");
    app.add_option("--threads", o.threads, "Threads that run requests")
        ->capture_default_str()
        ->check(CLI::Range(1, 1024));
    app.add_option("--max-body-bytes", o.body_bytes, "Longest request body")->capture_default_str();
    app.add_option("--max-connections", o.max_connections, "Connections at once")->capture_default_str();
    app.add_option("--log-level", o.log_level, "debug, info, warn, error")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
        ->capture_default_str();
}

void add_cloud(CLI::App& app, Options& o) {
    app.add_option("--region", o.region, "The default region; that of the first zone without");
    app.add_option("--zones", o.zone_names, "Availability zones, e.g. us-east-1a us-east-1b")
        ->capture_default_str();
    app.add_option("--public-pool", o.public_pool,
                   "Blocks that elastic addresses come out of; the first address of each is the bridge's")
        ->capture_default_str();
    app.add_option(
           "--ipv6-pool", o.ipv6_pool,
           "The block that VPCs' IPv6 blocks, each a /56, come out of; the first is the provider's own: "
           "its router, the bridge, has the first address")
        ->capture_default_str();
    app.add_option("--instance-types", o.instance_types,
                   "TOML files that add to the catalogue of instance types");
    app.add_option("--catalogue", o.catalogue,
                   "The catalogue itself, instead of the one that came with lodged");
    app.add_option("--strategy", o.strategy, "best-fit fills hosts, spread keeps them even")
        ->check(CLI::IsMember({"best-fit", "spread"}))
        ->capture_default_str();
    app.add_option("--cpu-overcommit", o.overcommit.vcpus, "Guests' vCPUs per host CPU")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 100.0));
    app.add_option("--memory-overcommit", o.overcommit.memory, "Guests' memory per host memory")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 10.0));
    app.add_option("--disk-overcommit", o.overcommit.disk,
                   "Sizes of volumes per host disk; they take up what is written to them")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 1000.0));
    app.add_option("--reserved-memory-mib", o.overcommit.reserved_memory_mib,
                   "Memory that a host keeps for itself")
        ->capture_default_str();
    app.add_option("--reserved-disk-mib", o.overcommit.reserved_disk_mib,
                   "A host with less disk space free takes no new instances")
        ->capture_default_str();
}

void add_limits(CLI::App& app, Options& o) {
    auto* throttle =
        app.add_flag("--throttle", o.throttle, "Limit how fast each account may ask, as EC2 does");
    app.add_option("--throttle-bucket", o.throttle_buckets,
                   "Sizes other than EC2's, e.g. RunInstances=5:2 (5 requests at once, 2 more a second), "
                   "RunInstances/instances=1000:2, mutating=50:5")
        ->needs(throttle);
    CLI::Range most(std::int64_t{0}, no_limit);
    app.add_option("--max-instances", o.limits.instances, "Instances that an account may run in a region")
        ->check(most);
    app.add_option("--max-vcpus", o.limits.vcpus, "vCPUs that they may have together")->check(most);
    app.add_option("--max-elastic-ips", o.limits.elastic_ips, "Elastic addresses of an account in a region")
        ->check(most);
}

void add_places(CLI::App& app, Options& o) {
    app.add_option("--import-folder", o.import_folders,
                   "Folders below which any account may import files (ImportImage, ImportSnapshot)");
    app.add_option("--import-url", o.import_urls,
                   "Web addresses below which it may, e.g. https://images.example.org/lodge/");
    app.add_option("--import-bucket", o.import_buckets,
                   "What an S3 bucket stands for in imports: NAME=file:///FOLDER or NAME=https://…");
    app.add_option("--export-bucket", o.export_buckets,
                   "Into which folder an S3 bucket's exports go (ExportImage): NAME=/FOLDER");
}

void add_network(CLI::App& app, Options& o) {
    app.add_option("--ovn-northbound", o.ovn_northbound,
                   "OVN's Northbound database; empty for no OVN: guests then run without a network")
        ->capture_default_str();
    app.add_option("--ovn-southbound", o.ovn_southbound, "OVN's Southbound database, for lodged itself")
        ->capture_default_str();
    app.add_option("--ovn-chassis-remote", o.ovn_chassis_remote,
                   "The same for hosts, e.g. ssl:HOST:6642; without, as each is configured");
    app.add_option("--guest-mtu", o.guest_mtu, "What guests are told: the network's, less 58 for tunnels")
        ->capture_default_str()
        ->check(CLI::Range(576, 9000));
}

void add_timing(CLI::App& app, Options& o) {
    auto& t = o.timing;
    app.add_option("--lease-ms", t.lease_ms, "A host not heard for so long is unreachable")
        ->capture_default_str();
    app.add_option("--heartbeat-ms", t.heartbeat_ms, "How often agents are to say that they are there")
        ->capture_default_str();
    app.add_option("--pending-deadline-ms", t.deadlines.pending_ms, "A launch is given up after so long")
        ->capture_default_str();
    app.add_option("--stopping-deadline-ms", t.deadlines.stopping_ms, "A slow stop is told after so long")
        ->capture_default_str();
    app.add_option("--shutting-down-deadline-ms", t.deadlines.shutting_down_ms,
                   "A slow termination is told after so long")
        ->capture_default_str();
    app.add_option("--keep-terminated-ms", t.keep_terminated_ms, "Terminated instances stay visible so long")
        ->capture_default_str();
    app.add_option("--simulate", o.simulate,
                   "Serve the same API over so many simulated hosts; needs no root, no libvirt")
        ->check(CLI::Range(0, 1000));
    app.add_option("--simulate-boot-ms", o.simulate_boot_ms, "How long a simulated guest boots")
        ->capture_default_str();
}

}  // namespace

Options parse_options(int argc, char** argv) {
    Options options;
    CLI::App app("lodged: the control plane of Lodge, servers people own answering as EC2 does");
    add_listeners(app, options);
    add_cloud(app, options);
    add_limits(app, options);
    add_places(app, options);
    add_network(app, options);
    add_timing(app, options);
    app.set_config("--config", "", "TOML file with the same options");
    app.set_version_flag("--version", "lodged 0.1.0");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        int code = app.exit(error);
        std::exit(code == 0 ? 0 : 2);
    }
    return options;
}

Result<std::vector<Zone>> parse_zones(const std::vector<std::string>& names) {
    std::vector<Zone> zones;
    for (const auto& name : names) {
        // "us-east-1a": words joined by dashes, a number, a letter.
        bool good = name.size() >= 4 && name.back() >= 'a' && name.back() <= 'z' &&
                    name[name.size() - 2] >= '0' && name[name.size() - 2] <= '9' &&
                    name.find('-') != std::string::npos;
        for (char c : name) good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
        if (!good)
            return fail(ErrorCode::invalid_input, "'" + name + "' is not a zone's name, such as us-east-1a");
        Zone zone{name, name.substr(0, name.size() - 1), ""};
        auto first = name.find('-');
        auto last = zone.region.rfind('-');
        auto middle = last > first ? zone.region.substr(first + 1, 1) : "";
        zone.id = zone.region.substr(0, first) + middle + zone.region.substr(last + 1) + "-az" +
                  std::to_string(name.back() - 'a' + 1);
        zones.push_back(std::move(zone));
    }
    if (zones.empty()) return fail(ErrorCode::invalid_input, "there is no zone");
    return zones;
}

Result<std::optional<BucketSizes>> parse_throttle(const Options& options) {
    if (!options.throttle) return std::nullopt;
    BucketSizes sizes;
    for (const auto& text : options.throttle_buckets) LODGE_CHECK(sizes.put(text));
    return sizes;
}

Result<std::vector<Cidr>> parse_public_pool(const std::vector<std::string>& blocks) {
    constexpr int smallest_prefix =
        30;  // the network's, the bridge's and the broadcast address are not given out
    std::vector<Cidr> pool;
    for (const auto& text : blocks) {
        auto block = Cidr::parse(text);
        if (!block || block->is_ipv6() || block->prefix() > smallest_prefix)
            return fail(ErrorCode::invalid_input, "'" + text + "' is not a block of public IPv4 addresses");
        for (const auto& other : pool)
            if (other.overlaps(*block))
                return fail(ErrorCode::invalid_input,
                            "public pools " + other.str() + " and " + text + " overlap");
        pool.push_back(*block);
    }
    return pool;
}

Result<Cidr> parse_ipv6_pool(const std::string& text) {
    constexpr int smallest_prefix = 55;  // the provider's /56 and one of a VPC
    auto pool = Cidr::parse(text);
    if (!pool || !pool->is_ipv6() || pool->prefix() > smallest_prefix)
        return fail(ErrorCode::invalid_input,
                    "'" + text + "' is not a block of IPv6 addresses, a /55 or larger");
    return *pool;
}

}  // namespace lodge::api
