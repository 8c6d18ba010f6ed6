#include "api/actions/network_interface_view.h"

#include "api/actions/tagging.h"
#include "db/store/addresses.h"
#include "db/store/network_interfaces.h"
#include "db/store/security_groups.h"
#include "db/store/vpcs.h"
#include "scheduler/network/names.h"

namespace lodge::api {
namespace {

std::vector<ec2::GroupIdentifier> groups_of(db::Session& session, const NetworkInterfaceId& id) {
    std::vector<ec2::GroupIdentifier> groups;
    for (const auto& group_id : db::network_interfaces::groups_of(session, id)) {
        auto group = db::security_groups::find_any(session, group_id.str());
        if (group) groups.push_back({group->name, group->id.str()});
    }
    return groups;
}

ec2::NetworkInterfacePrivateIpAddress private_address(const InterfaceRecord& record,
                                                      const InterfaceAddress& address) {
    ec2::NetworkInterfacePrivateIpAddress out;
    out.primary = address.position == 0;
    out.private_ip_address = address.address;
    if (record.has_dns_names) out.private_dns_name = network::ip_name(record.value.region, address.address);
    out.association = association_of(record, address);
    return out;
}

void put_addresses(const InterfaceRecord& record, ec2::NetworkInterface& out) {
    for (const auto& address : record.addresses) {
        if (address.is_ipv6)
            out.ipv6_addresses.push_back({address.address, false});
        else
            out.private_ip_addresses.push_back(private_address(record, address));
    }
    if (!out.ipv6_addresses.empty()) out.ipv6_address = out.ipv6_addresses.front().ipv6_address;
    if (out.private_ip_addresses.empty()) return;
    const auto& primary = out.private_ip_addresses.front();
    out.private_ip_address = primary.private_ip_address;
    out.private_dns_name = primary.private_dns_name;
    out.association = primary.association;
}

}  // namespace

InterfaceRecord load_interface(db::Session& session, NetworkInterface interface) {
    InterfaceRecord record;
    record.tags = db::tags::of(session, interface.account_id, interface.id.str());
    record.addresses = db::network_interfaces::addresses_of(session, interface.id);
    record.groups = groups_of(session, interface.id);
    record.elastic = db::addresses::of_interface(session, interface.id);
    auto vpc = db::vpcs::find_any(session, interface.vpc_id.str());
    record.has_dns_names = vpc && vpc->dns_hostnames;
    record.value = std::move(interface);
    return record;
}

std::optional<ec2::NetworkInterfaceAttachment> attachment_of(const NetworkInterface& interface) {
    if (interface.attachment_id.empty()) return std::nullopt;
    ec2::NetworkInterfaceAttachment out;
    out.attachment_id = interface.attachment_id;
    out.attach_time = interface.attached_ms;
    out.delete_on_termination = interface.delete_on_termination;
    out.device_index = interface.device_index;
    out.network_card_index = 0;
    out.status = std::string(to_text(interface.attachment_state));
    if (interface.instance_id.empty()) {  // of a service
        out.instance_owner_id = interface.requester_id;
    } else {
        out.instance_id = interface.instance_id;
        out.instance_owner_id = interface.account_id;
    }
    return out;
}

std::optional<ec2::NetworkInterfaceAssociation> association_of(const InterfaceRecord& record,
                                                               const InterfaceAddress& address) {
    ec2::NetworkInterfaceAssociation out;
    out.public_dns_name = "";
    for (const auto& elastic : record.elastic) {
        if (elastic.private_ip != address.address) continue;
        out.allocation_id = elastic.id.str();
        out.association_id = elastic.association_id;
        out.ip_owner_id = elastic.account_id;
        out.public_ip = elastic.public_ip;
        return out;
    }
    if (address.is_ipv6 || address.position != 0 || record.value.public_ip.empty()) return std::nullopt;
    out.ip_owner_id = "amazon";  // the word that clients tell such an address from an elastic one by
    out.public_ip = record.value.public_ip;
    return out;
}

std::string_view interface_status(const NetworkInterface& interface) {
    return interface.attachment_id.empty() ? "available" : "in-use";
}

ec2::NetworkInterface to_ec2(const InterfaceRecord& record) {
    const auto& interface = record.value;
    ec2::NetworkInterface out;
    out.network_interface_id = interface.id.str();
    out.interface_type = interface.interface_type;
    out.status = std::string(interface_status(interface));
    out.description = interface.description;
    out.owner_id = interface.account_id;
    if (!interface.requester_id.empty()) out.requester_id = interface.requester_id;
    out.requester_managed = !interface.requester_id.empty();
    out.availability_zone = interface.zone;
    out.vpc_id = interface.vpc_id.str();
    out.subnet_id = interface.subnet_id.str();
    out.mac_address = interface.mac;
    out.source_dest_check = interface.source_dest_check;
    out.ipv6_native = false;
    out.deny_all_igw_traffic = false;
    out.groups = record.groups;
    out.attachment = attachment_of(interface);
    out.tags = to_ec2(record.tags);
    put_addresses(record, out);
    return out;
}

ec2::NetworkInterface to_ec2(const RequestContext& context, const InterfaceRecord& record) {
    auto out = to_ec2(record);
    out.availability_zone_id = zone_id(context, record.value.zone);
    return out;
}

}  // namespace lodge::api
