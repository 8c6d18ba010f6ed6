#include "agent/metadata/tree.h"

#include <algorithm>
#include <array>
#include <vector>

#include "proto/base/encoding.h"

namespace lodge::agent {
namespace {

using link::DesiredGuest;
using link::GuestInterface;
using link::LaunchDataReply;

// All that EC2 has had, since clients look in the list for the newest they know. What is offered is the same
// in each: EC2 never takes anything away.
constexpr std::array<std::string_view, 26> versions = {
    "1.0",        "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01",
    "2008-09-01", "2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25", "2014-11-05",
    "2015-10-20", "2016-04-19", "2016-06-30", "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24",
    "2019-10-01", "2020-10-27", "2021-01-03", "2021-03-23", "latest"};

constexpr const char* user_data = "user-data";
constexpr const char* identity = "dynamic/instance-identity/";
constexpr const char* volumes = "dynamic/lodge/volumes/";  // ours: EC2's guests are told by their NVMe disks
constexpr const char* tags = "meta-data/tags/instance/";

std::string lines(const std::vector<std::string>& items) {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : "\n") + item;
    return out;
}

std::string first(const std::vector<std::string>& items) {
    return items.empty() ? "" : items.front();
}

// Never null: a guest without one has an interface that says nothing.
const GuestInterface& primary(const DesiredGuest& guest) {
    static const GuestInterface none;
    return guest.interfaces.empty() ? none : guest.interfaces.front();
}

std::string public_ips(const GuestInterface& interface) {
    std::vector<std::string> all;
    for (const auto& mapping : interface.public_ips) all.push_back(mapping.public_ip);
    return lines(all);
}

std::string primary_public_ip(const GuestInterface& interface) {
    for (const auto& mapping : interface.public_ips)
        if (mapping.private_ip == first(interface.private_ips)) return mapping.public_ip;
    return interface.public_ips.empty() ? "" : interface.public_ips.front().public_ip;
}

template <class Source>
struct Leaf {
    const char* path;
    std::string (*value)(const Source&);
};

// Below meta-data/.
constexpr Leaf<DesiredGuest> instance_leaves[] = {
    {"ami-id", [](const auto& g) { return g.metadata.image_id; }},
    {"ami-launch-index", [](const auto& g) { return std::to_string(g.metadata.launch_index); }},
    {"ami-manifest-path", [](const auto&) { return std::string("(unknown)"); }},
    {"block-device-mapping/ami", [](const auto& g) { return g.metadata.root_device_name; }},
    {"block-device-mapping/root", [](const auto& g) { return g.metadata.root_device_name; }},
    {"events/maintenance/history", [](const auto&) { return std::string("[]"); }},
    {"events/maintenance/scheduled", [](const auto&) { return std::string("[]"); }},
    {"hostname", [](const auto& g) { return g.metadata.hostname; }},
    {"instance-action", [](const auto&) { return std::string("none"); }},
    {"instance-id", [](const auto& g) { return g.instance_id.str(); }},
    {"instance-life-cycle", [](const auto&) { return std::string("on-demand"); }},
    {"instance-type", [](const auto& g) { return g.instance_type; }},
    {"ipv6", [](const auto& g) { return first(primary(g).ipv6_addresses); }},
    {"kernel-id", [](const auto& g) { return g.metadata.kernel_id; }},
    {"local-hostname", [](const auto& g) { return g.metadata.hostname; }},
    {"local-ipv4", [](const auto& g) { return first(primary(g).private_ips); }},
    {"mac", [](const auto& g) { return primary(g).mac; }},
    {"placement/availability-zone", [](const auto& g) { return g.metadata.zone; }},
    {"placement/availability-zone-id", [](const auto& g) { return g.metadata.zone_id; }},
    {"placement/region", [](const auto& g) { return g.metadata.region; }},
    {"profile", [](const auto&) { return std::string("default-hvm"); }},
    {"public-hostname", [](const auto& g) { return primary(g).public_dns_name; }},
    {"public-ipv4", [](const auto& g) { return primary_public_ip(primary(g)); }},
    {"ramdisk-id", [](const auto& g) { return g.metadata.ramdisk_id; }},
    {"reservation-id", [](const auto& g) { return g.metadata.reservation_id; }},
    {"security-groups", [](const auto& g) { return lines(primary(g).security_groups); }},
    {"services/domain", [](const auto&) { return std::string("amazonaws.com"); }},
    {"services/partition", [](const auto&) { return std::string("aws"); }},
    {"system", [](const auto&) { return std::string("nitro"); }},
};

// Below meta-data/network/interfaces/macs/MAC/.
constexpr Leaf<GuestInterface> interface_leaves[] = {
    {"device-number", [](const auto& i) { return std::to_string(i.device_index); }},
    {"interface-id", [](const auto& i) { return i.network_interface_id.str(); }},
    {"ipv6s", [](const auto& i) { return lines(i.ipv6_addresses); }},
    {"local-hostname", [](const auto& i) { return i.private_dns_name; }},
    {"local-ipv4s", [](const auto& i) { return lines(i.private_ips); }},
    {"mac", [](const auto& i) { return i.mac; }},
    {"owner-id", [](const auto& i) { return i.account_id; }},
    {"public-hostname", [](const auto& i) { return i.public_dns_name; }},
    {"public-ipv4s", [](const auto& i) { return public_ips(i); }},
    {"security-group-ids", [](const auto& i) { return lines(i.security_group_ids); }},
    {"security-groups", [](const auto& i) { return lines(i.security_groups); }},
    {"subnet-id", [](const auto& i) { return i.subnet_id.str(); }},
    {"subnet-ipv4-cidr-block", [](const auto& i) { return i.subnet_cidr; }},
    {"subnet-ipv6-cidr-blocks", [](const auto& i) { return lines(i.subnet_ipv6_cidrs); }},
    {"vpc-id", [](const auto& i) { return i.vpc_id.str(); }},
    {"vpc-ipv4-cidr-block", [](const auto& i) { return first(i.vpc_cidrs); }},
    {"vpc-ipv4-cidr-blocks", [](const auto& i) { return lines(i.vpc_cidrs); }},
    {"vpc-ipv6-cidr-blocks", [](const auto& i) { return lines(i.vpc_ipv6_cidrs); }},
};

// Below dynamic/instance-identity/.
constexpr Leaf<LaunchDataReply> identity_leaves[] = {
    {"document", [](const auto& l) { return l.identity_document; }},
    {"pkcs7", [](const auto& l) { return l.identity_pkcs7; }},
    {"rsa2048", [](const auto& l) { return l.identity_rsa2048; }},
    {"signature", [](const auto& l) { return l.identity_signature; }},
};

// The names on the way, without empty ones; nothing for a path that is not well-formed.
std::optional<std::vector<std::string>> names_of(std::string_view path) {
    path = path.substr(0, path.find('?'));
    std::vector<std::string> names;
    while (!path.empty()) {
        auto slash = path.find('/');
        auto name = percent_decode(path.substr(0, slash), false);
        if (!name) return std::nullopt;
        if (!name->empty()) names.push_back(std::move(*name));
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    return names;
}

std::string joined(const std::vector<std::string>& names, std::size_t from) {
    std::string out;
    for (std::size_t i = from; i < names.size(); ++i) out += (out.empty() ? "" : "/") + names[i];
    return out;
}

// The version's own listing would leave them out.
bool awaits_launch_data(std::string_view path) {
    return path.empty() || path == user_data || path == "dynamic" || path.starts_with("dynamic/");
}

}  // namespace

MetadataTree::MetadataTree(const DesiredGuest& guest, const LaunchDataReply* launch)
    : launch_known_(launch != nullptr) {
    labels_ = {{"meta-data", "meta-data"}, {"dynamic", "dynamic"}};  // the only folders without a slash
    for (const auto& leaf : instance_leaves) add(std::string("meta-data/") + leaf.path, leaf.value(guest));
    for (const auto& interface : guest.interfaces) add_interface(interface);
    const auto& metadata = guest.metadata;
    for (const auto& [name, device] : metadata.block_devices)
        add("meta-data/block-device-mapping/" + name, device);
    if (!metadata.public_key.empty()) add("meta-data/public-keys/0/openssh-key", metadata.public_key + "\n");
    labels_["meta-data/public-keys/0"] = "0=" + metadata.key_name;
    if (metadata.instance_tags)
        for (const auto& [key, value] : metadata.tags) leaves_[tags + key] = value;  // which may be empty
    if (!launch) return;
    for (const auto& [id, device] : metadata.volumes) add(volumes + id, device);
    add(user_data, launch->user_data);
    for (const auto& leaf : identity_leaves) add(std::string(identity) + leaf.path, leaf.value(*launch));
}

void MetadataTree::add(std::string path, std::string value) {
    if (!value.empty()) leaves_[std::move(path)] = std::move(value);
}

void MetadataTree::add_interface(const GuestInterface& interface) {
    const auto at = "meta-data/network/interfaces/macs/" + interface.mac + "/";
    for (const auto& leaf : interface_leaves) add(at + leaf.path, leaf.value(interface));
    for (const auto& mapping : interface.public_ips)
        add(at + "ipv4-associations/" + mapping.public_ip, mapping.private_ip);
}

// Empty when there is no such folder.
std::string MetadataTree::listing(const std::string& folder) const {
    const auto prefix = folder.empty() ? folder : folder + "/";
    std::vector<std::string> entries;
    for (auto at = leaves_.lower_bound(prefix); at != leaves_.end() && at->first.starts_with(prefix); ++at) {
        auto end = at->first.find('/', prefix.size());
        auto path = at->first.substr(0, end);
        auto label = labels_.find(path);
        auto entry = label != labels_.end()
                         ? label->second
                         : path.substr(prefix.size()) + (end == std::string::npos ? "" : "/");
        if (entries.empty() || entries.back() != entry) entries.push_back(std::move(entry));
    }
    return lines(entries);
}

std::optional<MetadataTree::Found> MetadataTree::find(std::string_view path) const {
    auto names = names_of(path);
    if (!names) return std::nullopt;
    if (names->empty()) return Found{lines({versions.begin(), versions.end()})};
    if (std::find(versions.begin(), versions.end(), names->front()) == versions.end()) return std::nullopt;
    auto below = joined(*names, 1);
    if (!launch_known_ && awaits_launch_data(below)) return Found{"", true};
    if (auto leaf = leaves_.find(below); leaf != leaves_.end())
        return Found{leaf->second, false, below == user_data};
    if (auto text = listing(below); !text.empty()) return Found{std::move(text)};
    return std::nullopt;
}

}  // namespace lodge::agent
