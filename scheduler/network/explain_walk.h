// A packet's way through VPCs, step by step. Inside explain.cpp alone.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "scheduler/network/explain_parts.h"

namespace lodge::network {

struct Arrival {
    enum class At { nowhere, interface, forwarder, outside, router, service };
    At at = At::nowhere;
    const Snapshot* vpc = nullptr;
    const InterfaceState* interface = nullptr;
};

// What NAT gateways have to undo in replies: whose the public address was for this packet.
struct Translation {
    VpcId vpc_id;
    IpAddress address;
    const NatGateway* gateway = nullptr;
};
using Translations = std::map<IpAddress, Translation>;

// Adds what it passes to `steps`, up to what stops it. A reply passes security groups unasked.
class Walk {
  public:
    Walk(const World& world, Packet packet, bool is_reply, Translations& translations,
         std::vector<Step>& steps)
        : world_(world),
          packet_(std::move(packet)),
          is_reply_(is_reply),
          translations_(translations),
          steps_(steps) {}

    Arrival from_interface(const Snapshot& snapshot, const InterfaceState& interface);
    // From the public network to a public address.
    Arrival from_outside();

    // As it is by now: addresses may have been translated.
    const Packet& packet() const { return packet_; }

  private:
    bool add(Step step);
    bool add_all(std::vector<Step> steps);
    Arrival stop(std::string text, std::string advice);
    Arrival note(Arrival arrival, std::string text);

    Arrival on_link(const Snapshot& snapshot, const SubnetState& subnet);
    Arrival to_service(const Snapshot& snapshot);
    Arrival to_everybody(const SubnetState& subnet);
    Arrival to_router(const Snapshot& snapshot, const SubnetState* from);
    // `from` is nothing for what comes from outside or from a peer.
    Arrival through_router(const Snapshot& snapshot, const SubnetState* from);
    Arrival into_subnet(const Snapshot& snapshot, const Hop& hop);
    Arrival to_peer(const PeeringState& state);
    Arrival from_outside_ipv6();
    Arrival leave(const Snapshot& snapshot, const Hop& hop);
    Arrival enter(const Entry& entry);
    Arrival deliver(const Snapshot& snapshot, const InterfaceState& interface);

    const World& world_;
    Packet packet_;
    const bool is_reply_;
    Translations& translations_;
    std::vector<Step>& steps_;
};

// The service that the cloud has at this address of a subnet: metadata, the resolver, DHCP; empty for none.
std::string service_at(const Snapshot& snapshot, const SubnetState& subnet, const Packet& packet);
// Broadcast, the subnet's own among them, or multicast.
bool is_for_many(const SubnetState& subnet, const IpAddress& address);
bool is_router_address(const Snapshot& snapshot, const IpAddress& address);

}  // namespace lodge::network
