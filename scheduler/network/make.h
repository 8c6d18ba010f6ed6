// What comes into being with a VPC, a subnet and an account, inside the caller's transaction. Requests are
// checked by the API before. Sources: Amazon VPC User Guide, "Default VPCs", "Default security groups for
// your VPCs", "Default network ACL", "Route table concepts", "Subnet CIDR blocks".
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/base/cidr.h"
#include "proto/base/random.h"
#include "proto/model/gateway.h"
#include "proto/model/network_interface.h"
#include "proto/model/security_group.h"
#include "proto/model/vpc.h"
#include "proto/model/zone.h"

namespace lodge::network {

// For whom, where and when something is made.
struct Owner {
    AccountId account_id;
    std::string region;
    UnixMs now_ms = 0;
    Random& random;
};

// With its primary CIDR, default group, main route table and default list of rules.
Vpc make_vpc(db::Session& session, const Owner& owner, const Cidr& cidr, bool is_default);
// With the VPC's default list of rules.
Subnet make_subnet(db::Session& session, const Owner& owner, const VpcId& vpc_id, const std::string& zone,
                   const Cidr& cidr, bool is_default);
// A group that lets everything out; of a VPC with IPv6 that too.
SecurityGroup make_group(db::Session& session, const Owner& owner, const VpcId& vpc_id,
                         const std::string& name, const std::string& description);

// 172.31.0.0/16 with a public subnet in each zone, as many as fit, and the way out.
Vpc make_default_vpc(db::Session& session, const Owner& owner, const std::vector<Zone>& zones);
// The first free /20 of a default VPC, or nothing.
std::optional<Cidr> free_default_subnet(db::Session& session, const Vpc& vpc);
// What an account has from the start in each region that the zones are of. Does nothing the second time, so
// that what the account deleted stays deleted.
void make_default_networks(db::Session& session, const AccountId& account_id, const std::vector<Zone>& zones,
                           UnixMs now_ms, Random& random);

// The last piece of a VPC's or subnet's DNS names: "ec2.internal" in us-east-1, "REGION.compute.internal"
// elsewhere.
std::string private_domain(std::string_view region);

// The first four addresses of a subnet and the last are not given out.
bool is_reserved(const Cidr& subnet, const IpAddress& address);
std::int64_t usable_addresses(const Cidr& subnet);
// A free IPv4 address that is none of `spared`; taken from a random place on, so that an address does not
// come back right after its owner went.
std::optional<IpAddress> free_address(db::Session& session, const Subnet& subnet, Random& random,
                                      const std::set<IpAddress>& spared = {});
// The same out of an IPv6 CIDR of the subnet.
std::optional<IpAddress> free_ipv6_address(db::Session& session, const Subnet& subnet, const Cidr& cidr,
                                           Random& random, const std::set<IpAddress>& spared = {});

// Who made the interfaces that belong to the cloud itself.
inline constexpr std::string_view cloud_requester = "lodge";

struct InterfaceWish {
    std::string type = "interface";
    std::string description;
    std::string requester_id;  // not empty: of the cloud itself
    bool source_dest_check = true;
    std::optional<IpAddress> address;  // nothing: any
};
// An interface with its primary address; nothing when the subnet has no free one, or the wished one is not
// free or not to be given out.
std::optional<NetworkInterface> make_interface(db::Session& session, const Owner& owner, const Subnet& subnet,
                                               const InterfaceWish& wish);
// With its addresses, groups and tags. Elastic addresses it had stay their owner's; one from launch is free.
void erase_interface(db::Session& session, const NetworkInterface& interface);

}  // namespace lodge::network
