// What the actions on network interfaces share: which of them users may change, their groups, their addresses
// and how many of each, and who has to hear of a change.
#pragma once

#include <string>
#include <vector>

#include "api/actions/interface_of.h"

namespace lodge::api {

// Source: Amazon VPC User Guide, "Amazon VPC quotas": 5, which may be raised to this.
inline constexpr std::size_t max_groups_per_interface = 16;

// An interface of the account that is not the cloud's own: OperationNotPermitted for one of a NAT gateway's.
Result<NetworkInterface> find_own_interface(db::Session& session, const RequestContext& context,
                                            const std::string& id);

// Call it in the transaction of every change that guests could notice: the VPC's network, and the host of the
// instance that has the interface, hear of it.
void interface_changed(db::Session& session, const RequestContext& context,
                       const NetworkInterface& interface);

// The VPC's groups with these IDs, each once; its default group when there are none. Errors:
// InvalidGroup.NotFound, also for one of another VPC; SecurityGroupsPerInterfaceLimitExceeded.
Result<std::vector<SecurityGroupId>> groups_in(db::Session& session, const RequestContext& context,
                                               const VpcId& vpc_id, const std::vector<std::string>& ids);

// An address of the subnet that may be given out: InvalidParameterValue if it is none.
Result<IpAddress> private_ip_in(const Subnet& subnet, const std::string& text);
Result<IpAddress> ipv6_address_in(db::Session& session, const Subnet& subnet, const std::string& text);
// One that nobody has, either: InvalidIPAddress.InUse.
Result<IpAddress> free_private_ip(db::Session& session, const Subnet& subnet, const std::string& text);
Result<IpAddress> free_ipv6_address_in(db::Session& session, const Subnet& subnet, const std::string& text);

// Gives the interface that many free addresses of its subnet. Errors: InvalidParameterValue if the subnet has
// no IPv6; InsufficientFreeAddressesInSubnet.
Result<std::vector<IpAddress>> add_any_private_ips(db::Session& session, const RequestContext& context,
                                                   const NetworkInterface& interface, std::int64_t count);
Result<std::vector<IpAddress>> add_any_ipv6(db::Session& session, const RequestContext& context,
                                            const NetworkInterface& interface, std::int64_t count);

// How many addresses an interface may have: by the type of the instance that has it, or of the largest one
// that could.
struct AddressLimits {
    std::int64_t ipv4 = 0;
    std::int64_t ipv6 = 0;
};
AddressLimits limits_of_type(const RequestContext& context, const std::string& instance_type);
AddressLimits limits_of(db::Session& session, const RequestContext& context,
                        const NetworkInterface& interface);
// PrivateIpAddressLimitExceeded if the interface has more.
Status check_limits(db::Session& session, const NetworkInterface& interface, const AddressLimits& limits);

}  // namespace lodge::api
