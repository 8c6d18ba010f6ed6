// What both ways into the DNS relay share. All of it is used on the relay's thread alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/metadata/reactor.h"
#include "agent/metadata/resolvers.h"
#include "proto/base/clock.h"
#include "proto/base/random.h"

namespace lodge::agent {

struct DnsOptions {
    std::uint16_t port = 53;
    // As parse_resolver() takes them; empty: those of `resolv_conf`, as it is at the moment.
    std::vector<std::string> resolvers;
    std::filesystem::path resolv_conf = "/etc/resolv.conf";
    std::size_t queries = 1024;  // by UDP, waiting for an answer, of all guests; more are dropped
    std::size_t queries_of_a_guest = 64;
    std::size_t connections = 128;  // by TCP, of all guests; more are closed
    std::size_t connections_of_a_guest = 8;
    std::int64_t patience_ms = 2'000;  // with one resolver; then the next is asked, three times in all
    std::int64_t idle_ms = 10'000;     // a TCP connection that asks nothing
};

struct DnsContext {
    const DnsOptions& options;
    Reactor& reactor;
    Resolvers& resolvers;
    const Clock& clock;
    Random& random;
};

inline constexpr std::size_t longest_query_bytes = 4096;
inline constexpr std::size_t longest_answer_bytes = 65'535;
inline constexpr int dns_attempts = 3;

}  // namespace lodge::agent
