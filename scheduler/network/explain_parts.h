// The pieces of explain(), a file each.
#pragma once

#include <string>
#include <vector>

#include "proto/base/cidrs.h"
#include "scheduler/network/explain.h"

namespace lodge::network {

struct PortRange {
    std::int64_t from = 0;
    std::int64_t to = 0;
    auto operator<=>(const PortRange&) const = default;
};

// Clients' own ports, to which replies go.
inline constexpr PortRange ephemeral_ports = {1024, 65535};

// A packet, or several that differ in their ports alone.
struct Packet {
    IpAddress source;
    IpAddress destination;
    std::string protocol;  // "tcp", "udp", "icmp", "icmpv6", or IANA's number
    PortRange ports;       // the destination's, of TCP and UDP
    std::int64_t icmp_type = 0;
};

bool has_ports(const Packet& packet);
// "tcp/22", "udp/1024-65535", "icmp", "protocol 47".
std::string describe(const Packet& packet);

// Of the first packet, and of its reply.
Packet first_packet(const Traffic& traffic, const IpAddress& source, const IpAddress& destination);
Packet reply_to(const Packet& packet);

const SubnetState* find_subnet(const Snapshot& snapshot, const SubnetId& id);
// The one whose addresses hold this one.
const SubnetState* subnet_around(const Snapshot& snapshot, const IpAddress& address);
bool is_in(const SubnetState& subnet, const IpAddress& address);
const InterfaceState* find_interface(const Snapshot& snapshot, const NetworkInterfaceId& id);
const InterfaceState* find_interface(const Snapshot& snapshot, const SubnetId& subnet_id,
                                     const IpAddress& address);
bool has_address(const InterfaceState& state, const IpAddress& address);
// "subnet-… (10.0.0.0/24)".
std::string describe(const Subnet& subnet);
// The VPC's resolver: its network's address plus two.
std::optional<IpAddress> resolver_of(const Snapshot& snapshot);

// What security groups say (explain_groups.cpp): `other` is the packet's other end.
Step judge_groups(const World& world, const Snapshot& snapshot, const InterfaceState& interface,
                  const Packet& packet, bool is_egress);
// What a subnet's network ACL says (explain_acls.cpp).
Step judge_acl(const SubnetState& subnet, const Packet& packet, bool is_egress);

// What the ACL of a NAT gateway's own subnet says, into it and out again, of what goes by the gateway; of a
// packet of the gateway's subnet itself nothing.
std::vector<Step> judge_nat_gateway(const Snapshot& snapshot, const NatGateway& gateway,
                                    const IpAddress& inside, const Packet& packet);

// Where a packet is routed to (explain_routes.cpp).
struct Hop {
    enum class To { nowhere, subnet, outside, peer, interface };
    To to = To::nowhere;
    const SubnetState* subnet = nullptr;        // that it goes out into
    const InterfaceState* interface = nullptr;  // of a route to one
    const PeeringState* peering = nullptr;
    const NatGateway* nat_gateway = nullptr;
    Step step;  // what decided it
};
// `from` is the subnet whose route table counts; nothing for what comes from outside or from a peer.
Hop route(const World& world, const Snapshot& snapshot, const SubnetState* from, const Packet& packet);

// By which public address a private one leaves (explain_nat.cpp).
struct Exit {
    std::optional<IpAddress> public_address;  // nothing: it does not
    const NatGateway* nat_gateway = nullptr;  // one that others use, too
    Step step;
};
// `via` is the NAT gateway that its route leads to, if one does.
Exit exit_of(const Snapshot& snapshot, const IpAddress& source, const NatGateway* via);
// Whose one-to-one public address it is, and the private one behind it.
struct Entry {
    const Snapshot* snapshot = nullptr;
    const InterfaceState* interface = nullptr;
    IpAddress private_address;
};
std::optional<Entry> entry_of(const World& world, const IpAddress& public_address);
// Whether mappings of this interface work: its subnet has a route to a working internet gateway.
bool is_reachable(const Snapshot& snapshot, const InterfaceState& interface);

// IPv6's way to and from the outside (explain_ipv6.cpp). Whose address it is; nothing if nobody's.
std::optional<Entry> entry_of_ipv6(const World& world, const IpAddress& address);
// Whether the public network finds this interface's IPv6 addresses.
bool is_reachable_ipv6(const Snapshot& snapshot, const InterfaceState& interface);
// Whether a source gets out.
Step judge_exit_ipv6(const Snapshot& snapshot, const IpAddress& source);
// What an egress-only gateway says to a first packet that comes to an interface; nothing if it has no say.
std::optional<Step> judge_egress_only(const Snapshot& snapshot, const InterfaceState& interface,
                                      const Packet& packet);

// The packet as its sender would give it to OVN (explain_trace.cpp).
Microflow microflow(const std::string& datapath, const std::string& port, const std::string& source_mac,
                    const std::string& destination_mac, const Packet& packet);

}  // namespace lodge::network
