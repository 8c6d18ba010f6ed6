// Whether a packet gets from one place to another, and which of EC2's rules let it through or stop it. Pure:
// follows, stage by stage, what OVN does with the rows that render.h makes of the same snapshots.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/cidr.h"
#include "proto/model/instance.h"
#include "scheduler/network/snapshot.h"

namespace lodge::network {

// One end of the question.
struct Place {
    std::string name;                         // as it was asked for
    VpcId vpc_id;                             // empty: in no VPC, `address` is all that is known
    NetworkInterfaceId interface_id;          // empty: in no VPC, or nobody there has the address
    IpAddress address;                        // as its VPC knows it
    std::optional<IpAddress> public_address;  // by which it was asked for; any of IPv6 is one
};

// What a first packet is of, but for its addresses.
struct Traffic {
    std::string protocol;    // "tcp", "udp", "icmp" (an echo request, of either family), or IANA's number
    std::int64_t port = -1;  // of TCP and UDP
};

// The public network's, of which the first addresses are the provider's own routers.
struct Pools {
    std::optional<Cidr> ipv4;  // of public addresses
    std::optional<Cidr> ipv6;  // of VPCs' blocks; nothing: no IPv6 outside
};

// What there is: the VPCs of both places and their peers.
struct World {
    std::map<VpcId, Snapshot> vpcs;
    std::map<std::string, InstanceState> instances;  // those that have interfaces, by ID
    Pools pools;
};

enum class Outcome { pass, stop, note };

struct Step {
    bool of_reply = false;
    Outcome outcome = Outcome::pass;
    std::string text;    // names the rule, in EC2's words
    std::string advice;  // of a stop: what to do about it
};

// The first packet for ovn-trace.
struct Microflow {
    std::string datapath;
    std::string text;
    std::vector<std::string> tracking;  // what connection trackers on its way are to say, one after the other
};

struct Explanation {
    bool passes = false;  // there, and the reply back
    std::vector<Step> steps;
    std::optional<Microflow> microflow;  // nothing when no packet reaches OVN
};

// Places' VPCs are in `world`. The reply is looked at, too: security groups know it, routes and
// network ACLs do not.
Explanation explain(const World& world, const Place& source, const Place& destination,
                    const Traffic& traffic);

std::string_view word(Outcome outcome);

}  // namespace lodge::network
