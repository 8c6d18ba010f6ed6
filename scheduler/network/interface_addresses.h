// The private addresses of a network interface, after those it was made with. Source: EC2 user guide,
// "Secondary IP addresses for your EC2 instances". Inside the caller's transaction; requests are checked by
// the API before.
#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/base/cidr.h"
#include "proto/base/random.h"
#include "proto/model/network_interface.h"
#include "proto/model/vpc.h"

namespace lodge::network {

// Behind the interface's others of its family. It must be free.
void add_address(db::Session& session, const NetworkInterface& interface, const IpAddress& address);

// `count` free ones of the subnet. Nothing when it has not so many left: some may have been added then, so
// the caller gives its transaction up.
std::optional<std::vector<IpAddress>> add_free_addresses(db::Session& session,
                                                         const NetworkInterface& interface,
                                                         const Subnet& subnet, std::int64_t count,
                                                         Random& random);
std::optional<std::vector<IpAddress>> add_free_ipv6_addresses(db::Session& session,
                                                              const NetworkInterface& interface,
                                                              const Subnet& subnet, std::int64_t count,
                                                              Random& random);

// Gives another interface's address to `to`, in the same subnet, along with the elastic one mapped to it. It
// may not be a primary one.
void move_address(db::Session& session, InterfaceAddress address, const NetworkInterface& to);

// Not of a primary one. An elastic address that was mapped to it stays its owner's.
void remove_address(db::Session& session, const InterfaceAddress& address);

}  // namespace lodge::network
