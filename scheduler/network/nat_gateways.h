// A NAT gateway's life: pending until its VPC's network has it, deleting until the network has it no more.
// Source: Amazon VPC User Guide, "Troubleshoot NAT gateways": what fails after the request was taken.
#pragma once

#include <optional>

#include "db/driver/session.h"
#include "proto/model/gateway.h"
#include "proto/model/network_interface.h"
#include "scheduler/network/make.h"
#include "scheduler/network/settle.h"

namespace lodge::network {

struct NatWish {
    Address address;
    std::optional<IpAddress> private_ip;  // free and in the subnet; nothing: any
};

// With its network interface, which it alone manages. `failed`, with the reason, when the VPC has no internet
// gateway, the address is mapped already, or the subnet is full.
NatGateway make_nat_gateway(db::Session& session, const Owner& owner, const Subnet& subnet, NatWish wish);
void begin_deletion(db::Session& session, NatGateway& gateway, UnixMs now_ms);

// Moves on the gateways whose VPC's network has followed, and forgets those that ended an hour ago.
void settle_nat_gateways(db::Session& session, UnixMs now_ms, const Applied& applied);

}  // namespace lodge::network
