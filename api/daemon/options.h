// lodged's options, from the command line and a configuration file alike.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "api/pipeline/bucket_sizes.h"
#include "proto/base/cidr.h"
#include "proto/model/account.h"
#include "proto/model/zone.h"
#include "scheduler/apply/claims.h"
#include "scheduler/reconcile/agents.h"

namespace lodge::api {

struct Options {
    std::filesystem::path state_dir = "/var/lib/lodge";
    std::string listen = "127.0.0.1";
    std::uint16_t port = 8773;
    std::string agent_listen = "127.0.0.1";
    std::uint16_t agent_port = 8774;
    std::filesystem::path tls_certificate;  // PEM chain and key of the API; plain HTTP without
    std::filesystem::path tls_key;
    std::filesystem::path master_key_file;  // empty: in the state folder, made when it is missing
    std::string region;                     // the default one; empty: the first zone's
    std::vector<std::string> zone_names = {"us-east-1a"};  // "us-east-1a", each a region's name and a letter
    std::vector<std::filesystem::path> instance_types;     // operators' additions to the catalogue
    std::filesystem::path catalogue;                       // empty: the one that came with the program
    std::vector<std::string> public_pool = {
        "198.19.64.0/22"};                          // of elastic addresses; deploy/up gives its own
    std::string ipv6_pool = "fd6c:6f64:6700::/40";  // of VPCs' IPv6 blocks; deploy/up gives its own
    // Where OVN's databases are for lodged, and where hosts find the Southbound one; an empty Northbound one:
    // there is no OVN, and guests run without a network.
    std::string ovn_northbound = "unix:/run/ovn/ovnnb_db.sock";
    std::string ovn_southbound = "unix:/run/ovn/ovnsb_db.sock";
    std::string ovn_chassis_remote;  // empty: as each host is configured
    std::int64_t guest_mtu = 1442;   // the network's between hosts, less Geneve's 58
    scheduler::Overcommit overcommit;
    scheduler::Timing timing;
    std::string strategy = "best-fit";          // or "spread"
    std::string metrics_token;                  // whose bearer may read /metrics; empty: nobody
    std::size_t threads = 32;                   // that run requests
    std::vector<std::string> import_folders;    // below which files may be imported
    std::vector<std::string> import_urls;       // and addresses
    std::vector<std::string> import_buckets;    // "NAME=file:///FOLDER" or "NAME=https://…"
    std::vector<std::string> export_buckets;    // "NAME=/FOLDER"
    bool throttle = false;                      // limits each account's requests, as EC2 does
    std::vector<std::string> throttle_buckets;  // sizes other than EC2's: "RunInstances=5:2"
    AccountLimits limits;                       // of accounts that have none of their own
    std::uint64_t body_bytes = 1 << 20;
    std::size_t max_connections = 4096;
    int simulate = 0;  // that many hosts in this process, none outside
    std::int64_t simulate_boot_ms = 0;
    std::string log_level = "info";

    // Whether --state-dir was given; a simulation without one keeps its state in a folder of its own.
    bool state_dir_given = false;
};

// Exits the process for --help, --version and mistakes (status 2).
Options parse_options(int argc, char** argv);

// Zones as the configuration names them: "us-east-1a" is zone "use1-az1" of us-east-1. InvalidInput for other
// names.
Result<std::vector<Zone>> parse_zones(const std::vector<std::string>& names);

// The buckets that requests are throttled by; nothing when they are not. InvalidInput for bad sizes.
Result<std::optional<BucketSizes>> parse_throttle(const Options& options);

// Blocks of IPv4 addresses with room for guests, apart from each other; InvalidInput for others.
Result<std::vector<Cidr>> parse_public_pool(const std::vector<std::string>& blocks);
Result<Cidr> parse_ipv6_pool(const std::string& text);

}  // namespace lodge::api
