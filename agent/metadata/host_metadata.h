// Both of what guests ask their host for, as the agent's one sink.
#pragma once

#include <memory>

#include "agent/metadata/dns_relay.h"
#include "agent/metadata/service.h"

namespace lodge::agent {

// Any thread.
class HostMetadata final : public MetadataSink {
  public:
    // InvalidInput for an option that makes no sense.
    static Result<std::unique_ptr<HostMetadata>> start(MetadataOptions metadata, DnsOptions dns,
                                                       const Clock& clock, Random& random) {
        std::unique_ptr<HostMetadata> made(new HostMetadata);
        LODGE_TRY(made->relay_, DnsRelay::start(std::move(dns), clock, random));
        LODGE_TRY(made->service_, MetadataService::start(std::move(metadata), clock, random));
        made->relay_->set_networks(made->service_->networks());
        return made;
    }

    void set_networks(const std::vector<MetadataNetwork>& networks) override {
        service_->set_networks(networks);
        relay_->set_networks(networks);
    }
    void set_guests(const std::vector<link::DesiredGuest>& guests) override { service_->set_guests(guests); }
    bool await_launch_data(const GuestId& guest_id, std::int64_t most_ms) override {
        return service_->await_launch_data(guest_id, most_ms);
    }

  private:
    HostMetadata() = default;

    std::unique_ptr<DnsRelay> relay_;
    std::unique_ptr<MetadataService> service_;
};

}  // namespace lodge::agent
