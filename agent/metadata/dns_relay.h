// The resolver of each VPC: what OVN could not answer by itself goes to the host's resolvers, and their
// answers back. UDP and TCP. Names that mean something inside a VPC alone never leave the host.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/metadata/namespaces.h"
#include "agent/network/metadata_sink.h"
#include "proto/base/clock.h"
#include "proto/base/random.h"

namespace lodge::agent {

struct DnsOptions {
    std::uint16_t port = 53;
    // "ADDRESS" or "ADDRESS:PORT", IPv4; empty: those of /etc/resolv.conf, as it is at the moment.
    std::vector<std::string> resolvers;
    std::size_t queries = 1024;  // waiting for an answer, of all guests; more are dropped
    std::size_t queries_of_a_guest = 64;
    std::size_t connections = 128;  // of TCP, of all guests
    std::size_t connections_of_a_guest = 8;
    std::int64_t patience_ms = 2'000;  // with one resolver; then the next is asked, three times in all
};

// set_networks(): any thread.
class DnsRelay {
  public:
    DnsRelay(DnsOptions options, const Clock& clock, Random& random);
    ~DnsRelay();
    DnsRelay(const DnsRelay&) = delete;
    DnsRelay& operator=(const DnsRelay&) = delete;

    // All that there are; sockets of the others are closed. What cannot be opened is logged and tried again
    // with the next call.
    void set_networks(const std::vector<MetadataNetwork>& networks);

  private:
    class Loop;
    std::unique_ptr<Loop> loop_;
    std::thread thread_;
};

}  // namespace lodge::agent
