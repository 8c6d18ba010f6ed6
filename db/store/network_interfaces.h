#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/store/records.h"
#include "proto/model/network_interface.h"

namespace lodge::db::network_interfaces {

// For joins.
const Records<NetworkInterface>& table();
const Records<InterfaceAddress>& address_table();

void insert(Session& session, const NetworkInterface& record);
void update(Session& session, const NetworkInterface& record);
void erase(Session& session, const NetworkInterfaceId& id);
std::optional<NetworkInterface> find(Session& session, const AccountId& account_id, std::string_view region,
                                     std::string_view id);
std::optional<NetworkInterface> find_any(Session& session, std::string_view id);
// By ID, from behind `after`; at most `limit`.
std::vector<NetworkInterface> list(Session& session, const AccountId& account_id, std::string_view region,
                                   std::string_view after, std::int64_t limit);
std::vector<NetworkInterface> of_vpc(Session& session, const VpcId& vpc_id);
std::vector<NetworkInterface> of_subnet(Session& session, const SubnetId& subnet_id);
// Attached to the instance, by device index.
std::vector<NetworkInterface> of_instance(Session& session, const InstanceId& instance_id);
std::optional<NetworkInterface> find_by_attachment(Session& session, const AccountId& account_id,
                                                   std::string_view region, std::string_view attachment_id);
std::vector<NetworkInterface> of_group(Session& session, const SecurityGroupId& group_id);

void insert_address(Session& session, const InterfaceAddress& record);
void update_address(Session& session, const InterfaceAddress& record);
void erase_address(Session& session, const SubnetId& subnet_id, std::string_view address);
void erase_addresses(Session& session, const NetworkInterfaceId& id);
// IPv4 first, the primary one at the front.
std::vector<InterfaceAddress> addresses_of(Session& session, const NetworkInterfaceId& id);
std::vector<InterfaceAddress> addresses_in(Session& session, const SubnetId& subnet_id);
std::optional<InterfaceAddress> find_address(Session& session, const SubnetId& subnet_id,
                                             std::string_view address);
std::int64_t count_ipv4_in(Session& session, const SubnetId& subnet_id);
bool address_taken(Session& session, const SubnetId& subnet_id, std::string_view address);

// The security groups of an interface, in the order given.
void set_groups(Session& session, const NetworkInterfaceId& id, const std::vector<SecurityGroupId>& groups);
std::vector<SecurityGroupId> groups_of(Session& session, const NetworkInterfaceId& id);

}  // namespace lodge::db::network_interfaces
