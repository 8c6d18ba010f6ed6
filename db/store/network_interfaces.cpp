#include "db/store/network_interfaces.h"

namespace lodge::db::network_interfaces {

const Records<NetworkInterface>& table() {
    static const Records<NetworkInterface> records(
        "network_interfaces", {field("id", &NetworkInterface::id),
                               field("account_id", &NetworkInterface::account_id),
                               field("region", &NetworkInterface::region),
                               field("zone", &NetworkInterface::zone),
                               field("vpc_id", &NetworkInterface::vpc_id),
                               field("subnet_id", &NetworkInterface::subnet_id),
                               field("port_uuid", &NetworkInterface::port_uuid),
                               field("mac", &NetworkInterface::mac),
                               field("interface_type", &NetworkInterface::interface_type),
                               field("description", &NetworkInterface::description),
                               field("requester_id", &NetworkInterface::requester_id),
                               field("source_dest_check", &NetworkInterface::source_dest_check),
                               field("public_ip", &NetworkInterface::public_ip),
                               field("attachment_id", &NetworkInterface::attachment_id),
                               field("attachment_state", &NetworkInterface::attachment_state),
                               field("instance_id", &NetworkInterface::instance_id),
                               field("device_index", &NetworkInterface::device_index),
                               field("delete_on_termination", &NetworkInterface::delete_on_termination),
                               field("attached_ms", &NetworkInterface::attached_ms),
                               field("created_ms", &NetworkInterface::created_ms),
                               field("auto_public_ip", &NetworkInterface::auto_public_ip)});
    return records;
}

const Records<InterfaceAddress>& address_table() {
    static const Records<InterfaceAddress> records(
        "network_interface_addresses",
        {field("subnet_id", &InterfaceAddress::subnet_id), field("address", &InterfaceAddress::address),
         field("network_interface_id", &InterfaceAddress::network_interface_id),
         field("is_ipv6", &InterfaceAddress::is_ipv6), field("position", &InterfaceAddress::position)},
        2);
    return records;
}

void insert(Session& session, const NetworkInterface& record) {
    table().insert(session, record);
}

void update(Session& session, const NetworkInterface& record) {
    table().update(session, record);
}

void erase(Session& session, const NetworkInterfaceId& id) {
    table().erase_id(session, id.str());
}

std::optional<NetworkInterface> find(Session& session, const AccountId& account_id, std::string_view region,
                                     std::string_view id) {
    return table().find(session, account_id, region, id);
}

std::optional<NetworkInterface> find_any(Session& session, std::string_view id) {
    return table().find_any(session, id);
}

std::vector<NetworkInterface> list(Session& session, const AccountId& account_id, std::string_view region,
                                   std::string_view after, std::int64_t limit) {
    return table().list(session, account_id, region, after, limit);
}

std::vector<NetworkInterface> of_vpc(Session& session, const VpcId& vpc_id) {
    return table().all(session, "vpc_id = ? ORDER BY id", {vpc_id.str()});
}

std::vector<NetworkInterface> of_subnet(Session& session, const SubnetId& subnet_id) {
    return table().all(session, "subnet_id = ? ORDER BY id", {subnet_id.str()});
}

std::vector<NetworkInterface> of_instance(Session& session, const InstanceId& instance_id) {
    return table().all(session, "instance_id = ? ORDER BY device_index", {instance_id.str()});
}

std::optional<NetworkInterface> find_by_attachment(Session& session, const AccountId& account_id,
                                                   std::string_view region, std::string_view attachment_id) {
    return table().one(session, "attachment_id = ? AND account_id = ? AND region = ?",
                       {attachment_id, account_id, region});
}

std::vector<NetworkInterface> of_group(Session& session, const SecurityGroupId& group_id) {
    return table().all(
        session,
        "id IN (SELECT network_interface_id FROM network_interface_groups WHERE group_id = ?) ORDER BY id",
        {group_id.str()});
}

void insert_address(Session& session, const InterfaceAddress& record) {
    address_table().insert(session, record);
}

void update_address(Session& session, const InterfaceAddress& record) {
    address_table().update(session, record);
}

void erase_address(Session& session, const SubnetId& subnet_id, std::string_view address) {
    address_table().erase(session, "subnet_id = ? AND address = ?", {subnet_id.str(), address});
}

void erase_addresses(Session& session, const NetworkInterfaceId& id) {
    address_table().erase(session, "network_interface_id = ?", {id.str()});
}

std::vector<InterfaceAddress> addresses_of(Session& session, const NetworkInterfaceId& id) {
    return address_table().all(session, "network_interface_id = ? ORDER BY is_ipv6, position, address",
                               {id.str()});
}

std::vector<InterfaceAddress> addresses_in(Session& session, const SubnetId& subnet_id) {
    return address_table().all(session, "subnet_id = ? ORDER BY address", {subnet_id.str()});
}

std::optional<InterfaceAddress> find_address(Session& session, const SubnetId& subnet_id,
                                             std::string_view address) {
    return address_table().one(session, "subnet_id = ? AND address = ?", {subnet_id.str(), address});
}

std::int64_t count_ipv4_in(Session& session, const SubnetId& subnet_id) {
    std::int64_t count = 0;
    session.query("SELECT COUNT(*) FROM network_interface_addresses WHERE subnet_id = ? AND is_ipv6 = 0",
                  {subnet_id.str()}, [&](const Row& row) { count = row.integer(0); });
    return count;
}

bool address_taken(Session& session, const SubnetId& subnet_id, std::string_view address) {
    bool taken = false;
    session.query("SELECT 1 FROM network_interface_addresses WHERE subnet_id = ? AND address = ?",
                  {subnet_id.str(), address}, [&](const Row&) { taken = true; });
    return taken;
}

void set_groups(Session& session, const NetworkInterfaceId& id, const std::vector<SecurityGroupId>& groups) {
    session.execute("DELETE FROM network_interface_groups WHERE network_interface_id = ?", {id.str()});
    std::int64_t position = 0;
    for (const auto& group : groups)
        session.execute(
            "INSERT INTO network_interface_groups (network_interface_id, group_id, position) VALUES (?, ?, "
            "?)",
            {id.str(), group.str(), position++});
}

std::vector<SecurityGroupId> groups_of(Session& session, const NetworkInterfaceId& id) {
    std::vector<SecurityGroupId> groups;
    session.query(
        "SELECT group_id FROM network_interface_groups WHERE network_interface_id = ? ORDER BY position",
        {id.str()},
        [&](const Row& row) { groups.push_back(SecurityGroupId::trusted(std::string(row.text(0)))); });
    return groups;
}

}  // namespace lodge::db::network_interfaces
