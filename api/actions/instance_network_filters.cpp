// The filters of DescribeInstances that look at an instance's network and its options.
#include "api/actions/instance_filters.h"
#include "api/actions/network.h"
#include "api/actions/words.h"
#include "proto/base/encoding.h"
#include "scheduler/network/names.h"

namespace lodge::api {
namespace {

using describe::Values;
using Table = describe::FilterTable<InstanceRecord>;
using Attached = db::attached_interfaces::AttachedInterface;

// A filter over one text of the record; an empty text is no value.
template <class F>
describe::FilterField<InstanceRecord> text(std::string_view name, F value) {
    return {name, [value](const InstanceRecord& record, Values& out) {
                if (std::string found(value(record)); !found.empty()) out.push_back(std::move(found));
            }};
}

// A filter over one text of the interface of index 0.
template <class F>
describe::FilterField<InstanceRecord> primary(std::string_view name, F value) {
    return text(name, [value](const InstanceRecord& record) -> std::string {
        const auto* attached = record.primary();
        return attached ? std::string(value(*attached)) : std::string();
    });
}

// A filter over one text of every interface; an empty text is no value.
template <class F>
describe::FilterField<InstanceRecord> each(std::string_view name, F value) {
    return {name, [value](const InstanceRecord& record, Values& out) {
                for (const auto& attached : record.interfaces)
                    if (std::string found(value(attached)); !found.empty()) out.push_back(std::move(found));
            }};
}

// A filter over several texts of every interface: `add` appends them.
template <class F>
describe::FilterField<InstanceRecord> several(std::string_view name, F add) {
    return {name, [add](const InstanceRecord& record, Values& out) {
                for (const auto& attached : record.interfaces) add(attached, out);
            }};
}

// A filter over every private IPv4 address of every interface.
template <class F>
describe::FilterField<InstanceRecord> each_address(std::string_view name, F value) {
    return several(name, [value](const Attached& attached, Values& out) {
        for (const auto& address : attached.addresses) {
            if (address.is_ipv6) continue;
            if (std::string found = value(attached, address); !found.empty()) out.push_back(std::move(found));
        }
    });
}

std::string primary_address(const Attached& attached) {
    return attached.addresses.empty() ? "" : attached.addresses.front().address;
}

void add_groups(const Attached& attached, Values& out, bool names) {
    for (const auto& group : attached.groups) out.push_back(names ? group.name : group.id.str());
}

void add_ipv6(const Attached& attached, Values& out) {
    for (const auto& address : attached.addresses)
        if (address.is_ipv6) out.push_back(address.address);
}

void add_network(Table& table) {
    table.push_back(primary("vpc-id", [](const auto& a) { return a.interface.vpc_id.str(); }));
    table.push_back(primary("subnet-id", [](const auto& a) { return a.interface.subnet_id.str(); }));
    table.push_back(
        primary("source-dest-check", [](const auto& a) { return word(a.interface.source_dest_check); }));
    table.push_back(text("private-ip-address", [](const auto& r) { return r.private_ip(); }));
    table.push_back(text("private-dns-name", [](const auto& r) { return r.private_dns_name(); }));
    table.push_back(text("ip-address", [](const auto& r) { return r.public_ip(); }));
    auto of_primary = [](auto add) {
        return [add](const InstanceRecord& record, Values& out) {
            if (const auto* attached = record.primary()) add(*attached, out);
        };
    };
    auto ids = [](const Attached& a, Values& out) { add_groups(a, out, false); };
    auto names = [](const Attached& a, Values& out) { add_groups(a, out, true); };
    table.push_back({"ipv6-address", of_primary(add_ipv6)});
    for (auto name : {"group-id", "instance.group-id"}) table.push_back({name, of_primary(ids)});
    for (auto name : {"group-name", "instance.group-name"}) table.push_back({name, of_primary(names)});
    table.push_back(several("network-interface.group-id", ids));
    table.push_back(several("network-interface.group-name", names));
}

void add_addresses(Table& table) {
    auto elastic = [](const Attached& attached, const std::string& private_ip) -> const Address* {
        for (const auto& address : attached.elastic)
            if (address.private_ip == private_ip) return &address;
        return nullptr;
    };
    auto allocation = [elastic](const Attached& a, const std::string& ip) {
        const auto* found = elastic(a, ip);
        return found ? found->id.str() : std::string();
    };
    auto association = [elastic](const Attached& a, const std::string& ip) {
        const auto* found = elastic(a, ip);
        return found ? found->association_id : std::string();
    };
    auto owner = [elastic](const Attached& a, const std::string& ip) {
        const auto* found = elastic(a, ip);
        return found ? found->account_id : public_ip_of(a, ip).empty() ? std::string() : "amazon";
    };
    auto public_ip = [](const Attached& a, const std::string& ip) { return public_ip_of(a, ip); };
    auto add = [&table](std::string_view primary_name, std::string_view name, auto value) {
        table.push_back(
            each(primary_name, [value](const Attached& a) { return value(a, primary_address(a)); }));
        table.push_back(each_address(
            name, [value](const Attached& a, const InterfaceAddress& own) { return value(a, own.address); }));
    };
    add("network-interface.association.allocation-id",
        "network-interface.addresses.association.allocation-id", allocation);
    add("network-interface.association.association-id",
        "network-interface.addresses.association.association-id", association);
    add("network-interface.association.ip-owner-id", "network-interface.addresses.association.ip-owner-id",
        owner);
    add("network-interface.association.public-ip", "network-interface.addresses.association.public-ip",
        public_ip);
    add("network-interface.private-ip-address", "network-interface.addresses.private-ip-address",
        [](const Attached&, const std::string& ip) { return ip; });
    add("network-interface.private-dns-name", "network-interface.addresses.private-dns-name",
        [](const Attached& a, const std::string& ip) { return network::ip_name(a.interface.region, ip); });
    table.push_back(each_address("network-interface.addresses.primary",
                                 [](const Attached&, const auto& own) { return word(own.position == 0); }));
    for (auto name : {"network-interface.ipv6-address", "network-interface.ipv6-addresses.ipv6-address"})
        table.push_back(several(name, add_ipv6));
    table.push_back(several("network-interface.ipv6-addresses.is-primary-ipv6",
                            [](const Attached& attached, Values& out) {
                                for (const auto& address : attached.addresses)
                                    if (address.is_ipv6) out.push_back("false");
                            }));
}

void add_interfaces(Table& table) {
    auto add = [&table](std::string_view name, auto value) {
        table.push_back(each(name, [value](const Attached& a) { return value(a.interface); }));
    };
    add("network-interface.network-interface-id", [](const auto& i) { return i.id.str(); });
    add("network-interface.availability-zone", [](const auto& i) { return i.zone; });
    add("network-interface.description", [](const auto& i) { return i.description; });
    add("network-interface.mac-address", [](const auto& i) { return i.mac; });
    add("network-interface.owner-id", [](const auto& i) { return i.account_id; });
    add("network-interface.requester-id", [](const auto& i) { return i.requester_id; });
    add("network-interface.requester-managed", [](const auto& i) { return word(!i.requester_id.empty()); });
    add("network-interface.source-dest-check", [](const auto& i) { return word(i.source_dest_check); });
    add("network-interface.status", [](const auto&) { return "in-use"; });
    add("network-interface.subnet-id", [](const auto& i) { return i.subnet_id.str(); });
    add("network-interface.vpc-id", [](const auto& i) { return i.vpc_id.str(); });
    add("network-interface.ipv6-native", [](const auto&) { return "false"; });
    add("network-interface.deny-all-igw-traffic", [](const auto&) { return "false"; });
    add("network-interface.attachment.attach-time", [](const auto& i) { return format_time(i.attached_ms); });
    add("network-interface.attachment.attachment-id", [](const auto& i) { return i.attachment_id; });
    add("network-interface.attachment.delete-on-termination",
        [](const auto& i) { return word(i.delete_on_termination); });
    add("network-interface.attachment.device-index",
        [](const auto& i) { return std::to_string(i.device_index); });
    add("network-interface.attachment.instance-id", [](const auto& i) { return i.instance_id; });
    add("network-interface.attachment.instance-owner-id", [](const auto& i) { return i.account_id; });
    add("network-interface.attachment.network-card-index", [](const auto&) { return "0"; });
    add("network-interface.attachment.status", [](const auto& i) { return to_text(i.attachment_state); });
    table.push_back(several("network-interface.tag-key", [](const Attached& attached, Values& out) {
        for (const auto& tag : attached.tags) out.push_back(tag.key);
    }));
    table.push_back(several("network-interface.tag-value", [](const Attached& attached, Values& out) {
        for (const auto& tag : attached.tags) out.push_back(tag.value);
    }));
}

void add_options(Table& table) {
    auto add = [&table](std::string_view name, auto value) {
        table.push_back(text(name, [value](const InstanceRecord& r) { return value(r.instance); }));
    };
    auto endpoint = [](const Instance& i) { return able(i.metadata.http_endpoint); };
    add("metadata-options.http-endpoint", endpoint);
    add("metadata-options.http-protocol-ipv4", endpoint);
    add("metadata-options.http-protocol-ipv6", [](const auto& i) { return able(i.metadata.http_ipv6); });
    add("metadata-options.http-put-response-hop-limit",
        [](const auto& i) { return std::to_string(i.metadata.hop_limit); });
    add("metadata-options.http-tokens", [](const auto& i) { return i.metadata.http_tokens; });
    add("metadata-options.instance-metadata-tags",
        [](const auto& i) { return able(i.metadata.instance_tags); });
    add("private-dns-name-options.hostname-type", [](const auto& i) { return i.hostname_type; });
    add("private-dns-name-options.enable-resource-name-dns-a-record",
        [](const auto& i) { return word(i.resource_name_dns_a); });
    add("private-dns-name-options.enable-resource-name-dns-aaaa-record",
        [](const auto& i) { return word(i.resource_name_dns_aaaa); });
}

}  // namespace

void add_network_filters(Table& table) {
    add_network(table);
    add_addresses(table);
    add_interfaces(table);
    add_options(table);
}

}  // namespace lodge::api
