// The seam to the host's network, cut at what Lodge wants of it: guests' ports, and the networks through
// which guests reach their metadata. Two implementations: OVN on Open vSwitch, and the fake. Any thread,
// unless said otherwise; every call is idempotent and bounded in time. Errors that pass (a daemon does not
// answer) are service_unavailable.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/network/metadata_sink.h"
#include "proto/agent/messages.h"
#include "proto/base/result.h"

namespace lodge::agent {

// Of an ENI.
struct Port {
    NetworkInterfaceId network_interface_id;
    std::string uuid;

    bool operator==(const Port&) const = default;
};

// A subnet that has guests on this host.
struct MetadataSubnet {
    SubnetId subnet_id;
    std::string cidr;

    auto operator<=>(const MetadataSubnet&) const = default;
};
struct MetadataVpc {
    VpcId vpc_id;
    std::string resolver;  // the VPC's network plus two; empty: none
    std::vector<MetadataSubnet> subnets;

    bool operator==(const MetadataVpc&) const = default;
};

// Whether guests of this host have interfaces. `unknown`: the control plane has not told yet. `none`: it has
// no network to give; guests run without interfaces.
enum class NetworkKind { unknown, none, present };

class Network {
  public:
    virtual ~Network() = default;

    // What the control plane has said. Makes the machine a chassis of its OVN, changing only what is missing
    // or is not as said; nothing if it has none.
    virtual Status configure(const link::ChassisSettings& settings) = 0;
    virtual NetworkKind kind() const = 0;
    // Empty when all that guests' packets depend on here is well; else a sentence for the operator. Takes a
    // second at most.
    virtual std::string problem() = 0;

    // Waits until the ports are plugged in here and installed: packets then flow as the rules say. io_failure
    // when that is not so after `timeout_ms`, with the first port that is not and what was seen of it;
    // service_unavailable when it may be because of problem().
    virtual Status wait_installed(const std::vector<Port>& ports, std::int64_t timeout_ms) = 0;
    virtual bool is_installed(const std::string& port_uuid) const = 0;
    // Removes what an earlier plug of the port has left behind; one that is in use stays.
    virtual Status release(const std::string& port_uuid) = 0;
    // The same for all ports of this host's guests.
    virtual Status sweep() = 0;

    // Makes just these metadata networks be there, and no others of this host's. One thread.
    virtual Result<std::vector<MetadataNetwork>> ensure_metadata(const std::vector<MetadataVpc>& wanted) = 0;

    // Makes waits under way, and later ones, fail at once with service_unavailable: the agent is stopping.
    virtual void interrupt() = 0;

    // Called, from any thread, when a port may have been installed or lost, or the network has come back. Set
    // once, before other calls; an empty one ends the calls. It must not call the network itself.
    virtual void on_change(std::function<void()> callback) = 0;
};

}  // namespace lodge::agent
