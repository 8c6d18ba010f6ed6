// Public IPv4 addresses: the operator's pool, and what they are mapped to.
#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/base/cidr.h"
#include "proto/base/random.h"
#include "proto/model/gateway.h"
#include "proto/model/network_interface.h"

namespace lodge::network {

// Of each block the network's and the broadcast address are nobody's, and the first one is the provider
// bridge's own.
bool is_in_pool(const std::vector<Cidr>& pool, const IpAddress& address);
std::int64_t pool_size(const std::vector<Cidr>& pool);
// A free one, taken for `owner_id`; from a random place on, so that an address does not come back right after
// its owner gave it up. Nothing when the pool has run out.
std::optional<IpAddress> take_public_address(db::Session& session, const std::vector<Cidr>& pool,
                                             std::string_view owner_id, Random& random);

// A gateway's router has an address of its own in the public network. Gives one to each attached gateway that
// has none; false when the pool has run out, so that guests behind what is left have no way out.
bool equip_gateways(db::Session& session, const std::vector<Cidr>& pool, Random& random);
// Of a gateway that is detached.
void give_back_router_address(db::Session& session, const InternetGateway& gateway);

// Maps an elastic address to a private one of the interface, which gives back the address it got at launch if
// that is its primary one. Neither may be mapped before.
void map_address(db::Session& session, Address& address, NetworkInterface& interface,
                 const std::string& private_ip, Random& random);
void unmap_address(db::Session& session, Address& address);

}  // namespace lodge::network
