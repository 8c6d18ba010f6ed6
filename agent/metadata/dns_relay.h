// The resolver of each VPC: what OVN could not answer by itself goes to the host's resolvers, and their
// answers back. UDP and TCP. Names that mean something inside a VPC alone never leave the host.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/metadata/dns_context.h"
#include "agent/network/metadata_sink.h"

namespace lodge::agent {

// set_networks(): any thread.
class DnsRelay {
  public:
    // InvalidInput when an option is no address of a resolver. `clock` and `random` outlive the relay.
    static Result<std::unique_ptr<DnsRelay>> start(DnsOptions options, const Clock& clock, Random& random);
    ~DnsRelay();
    DnsRelay(const DnsRelay&) = delete;
    DnsRelay& operator=(const DnsRelay&) = delete;

    // All that there are; sockets of the others are closed. Returns at once; what cannot be opened is logged,
    // and tried again every second.
    void set_networks(const std::vector<MetadataNetwork>& networks);

  private:
    class Loop;
    explicit DnsRelay(std::unique_ptr<Loop> loop);
    std::unique_ptr<Loop> loop_;
    std::thread thread_;
};

}  // namespace lodge::agent
