// Source: EC2 reference, "DescribeNetworkInterfaces", Filter.N. What no interface here can have (carrier
// addresses, prefixes, outposts) is left out, and refused by name.
#include "api/actions/network_interface_view.h"
#include "proto/base/encoding.h"
#include "scheduler/network/names.h"

namespace lodge::api {
namespace {

using describe::Values;
using Association = ec2::NetworkInterfaceAssociation;
using Attachment = ec2::NetworkInterfaceAttachment;
using Field = describe::FilterField<InterfaceRecord>;

Field of_interface(std::string_view name, std::string (*value)(const NetworkInterface&)) {
    return {name,
            [value](const InterfaceRecord& record, Values& out) { out.push_back(value(record.value)); }};
}

Field of_each_ipv4(std::string_view name,
                   std::optional<std::string> (*value)(const InterfaceRecord&, const InterfaceAddress&)) {
    return {name, [value](const InterfaceRecord& record, Values& out) {
                for (const auto& address : record.addresses)
                    if (!address.is_ipv6)
                        if (auto text = value(record, address)) out.push_back(std::move(*text));
            }};
}

// Public addresses of all private ones.
Field of_associations(std::string_view name, std::optional<std::string> Association::*member) {
    return {name, [member](const InterfaceRecord& record, Values& out) {
                for (const auto& address : record.addresses)
                    if (auto association = association_of(record, address); association)
                        if (auto& text = (*association).*member) out.push_back(std::move(*text));
            }};
}

Field of_attachment(std::string_view name, std::optional<std::string> (*value)(const Attachment&)) {
    return {name, [value](const InterfaceRecord& record, Values& out) {
                auto attachment = attachment_of(record.value);
                auto text = attachment ? value(*attachment) : std::nullopt;
                if (text) out.push_back(std::move(*text));
            }};
}

Field of_groups(std::string_view name, std::optional<std::string> ec2::GroupIdentifier::*member) {
    return {name, [member](const InterfaceRecord& record, Values& out) {
                for (const auto& group : record.groups)
                    if (const auto& text = group.*member) out.push_back(*text);
            }};
}

void add_address_filters(describe::FilterTable<InterfaceRecord>& table) {
    auto address = [](const InterfaceRecord&, const InterfaceAddress& a) { return std::optional(a.address); };
    table.push_back(of_each_ipv4("addresses.private-ip-address", address));
    table.push_back(of_each_ipv4("private-ip-address", address));
    table.push_back(of_each_ipv4("addresses.primary", [](const auto&, const InterfaceAddress& a) {
        return std::optional(word(a.position == 0));
    }));
    table.push_back(of_each_ipv4(
        "private-dns-name",
        [](const InterfaceRecord& record, const InterfaceAddress& a) -> std::optional<std::string> {
            if (!record.has_dns_names || a.position != 0) return std::nullopt;
            return network::ip_name(record.value.region, a.address);
        }));
    table.push_back({"ipv6-addresses.ipv6-address", [](const InterfaceRecord& record, Values& out) {
                         for (const auto& each : record.addresses)
                             if (each.is_ipv6) out.push_back(each.address);
                     }});
    table.push_back(of_associations("addresses.association.owner-id", &Association::ip_owner_id));
    table.push_back(of_associations("addresses.association.public-ip", &Association::public_ip));
    table.push_back(of_associations("association.allocation-id", &Association::allocation_id));
    table.push_back(of_associations("association.association-id", &Association::association_id));
    table.push_back(of_associations("association.ip-owner-id", &Association::ip_owner_id));
    table.push_back(of_associations("association.public-dns-name", &Association::public_dns_name));
    table.push_back(of_associations("association.public-ip", &Association::public_ip));
}

void add_attachment_filters(describe::FilterTable<InterfaceRecord>& table) {
    table.push_back(of_attachment("attachment.attach-time", [](const Attachment& a) {
        return std::optional(format_time(a.attach_time.value_or(0)));
    }));
    table.push_back(
        of_attachment("attachment.attachment-id", [](const Attachment& a) { return a.attachment_id; }));
    table.push_back(of_attachment("attachment.delete-on-termination", [](const Attachment& a) {
        return std::optional(word(a.delete_on_termination.value_or(false)));
    }));
    table.push_back(of_attachment("attachment.device-index", [](const Attachment& a) {
        return std::optional(std::to_string(a.device_index.value_or(0)));
    }));
    table.push_back(
        of_attachment("attachment.instance-id", [](const Attachment& a) { return a.instance_id; }));
    table.push_back(of_attachment("attachment.instance-owner-id",
                                  [](const Attachment& a) { return a.instance_owner_id; }));
    table.push_back(of_attachment("attachment.status", [](const Attachment& a) { return a.status; }));
}

}  // namespace

// Of one request: zones' IDs are configuration.
describe::FilterTable<InterfaceRecord> interface_filters(const RequestContext& context) {
    describe::FilterTable<InterfaceRecord> table = {
        of_interface("availability-zone", [](const auto& i) { return i.zone; }),
        filter<InterfaceRecord>("availability-zone-id",
                                [&context](const auto& r) { return zone_id(context, r.value.zone); }),
        of_interface("description", [](const auto& i) { return i.description; }),
        of_groups("group-id", &ec2::GroupIdentifier::group_id),
        of_groups("group-name", &ec2::GroupIdentifier::group_name),
        of_interface("interface-type", [](const auto& i) { return i.interface_type; }),
        of_interface("mac-address", [](const auto& i) { return i.mac; }),
        of_interface("network-interface-id", [](const auto& i) { return i.id.str(); }),
        of_interface("operator.managed", [](const auto&) { return word(false); }),
        of_interface("owner-id", [](const auto& i) { return i.account_id; }),
        {"requester-id",
         [](const InterfaceRecord& record, Values& out) {
             if (!record.value.requester_id.empty()) out.push_back(record.value.requester_id);
         }},
        of_interface("requester-managed", [](const auto& i) { return word(!i.requester_id.empty()); }),
        of_interface("source-dest-check", [](const auto& i) { return word(i.source_dest_check); }),
        of_interface("status", [](const auto& i) { return std::string(interface_status(i)); }),
        of_interface("subnet-id", [](const auto& i) { return i.subnet_id.str(); }),
        of_interface("vpc-id", [](const auto& i) { return i.vpc_id.str(); }),
    };
    add_address_filters(table);
    add_attachment_filters(table);
    return table;
}

}  // namespace lodge::api
