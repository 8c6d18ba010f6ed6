// From what the store knows to OVN's rows: pure, and the same for the same input. Sources: ovn-nb(5) for
// tables and columns; DESIGN.md ("Guests' network") for what stands for what.
#pragma once

#include <optional>

#include "proto/base/cidr.h"
#include "scheduler/network/rows.h"
#include "scheduler/network/snapshot.h"

namespace lodge::network {

// What all VPCs share: the provider network behind the internet gateways, and who carries it.
struct Cloud {
    Cidr public_pool;                        // its first address is the provider's own router
    std::vector<std::string> gateway_hosts;  // chassis names, best first
    std::int64_t guest_mtu = 1442;           // 1500 less Geneve's 58 bytes
    // Of VPCs' IPv6 blocks; its first address is the provider's own router. Nothing: no IPv6 outside.
    std::optional<Cidr> ipv6_pool = std::nullopt;
};

// Keys of rows that others refer to.
inline constexpr std::string_view public_switch = "lodge-public";
inline constexpr std::string_view gateway_group = "lodge-gateways";

Rows render_cloud(const Cloud& cloud);
Rows render(const Snapshot& snapshot, const Cloud& cloud);

// The name of a group's port group, and of the address sets that OVN makes of it ("…_ip4", "…_ip6").
std::string port_group_name(std::string_view group_id);

}  // namespace lodge::network
