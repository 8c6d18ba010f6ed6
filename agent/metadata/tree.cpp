#include "agent/metadata/tree.h"

#include <algorithm>
#include <array>
#include <vector>

#include "proto/base/encoding.h"

namespace lodge::agent {
namespace {

// Those that clients ask for by name. What is offered is the same in all: EC2 never takes anything away.
constexpr std::array<std::string_view, 9> versions = {"1.0",        "2009-04-04", "2011-01-01",
                                                      "2014-11-05", "2016-09-02", "2018-09-24",
                                                      "2021-01-03", "2021-03-23", "latest"};

std::string lines(const std::vector<std::string>& items) {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : "\n") + item;
    return out;
}

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

bool awaits_launch_data(std::string_view leaf) {
    return leaf == "user-data" || leaf.starts_with("dynamic/instance-identity/");
}

}  // namespace

MetadataTree::MetadataTree(const link::DesiredGuest& guest, const link::LaunchDataReply* launch)
    : launch_known_(launch != nullptr) {
    labels_ = {{"meta-data", "meta-data"}, {"dynamic", "dynamic"}};  // the only folders without a slash
    add_instance(guest);
    add_primary(guest);
    for (const auto& interface : guest.interfaces) add_interface(interface);
    for (const auto& [key, value] : guest.metadata.tags)
        if (guest.metadata.instance_tags) add("meta-data/tags/instance/" + key, value);
    if (!launch) return;
    add_unless_empty("user-data", launch->user_data);
    add("dynamic/instance-identity/document", launch->identity_document);
    add("dynamic/instance-identity/signature", launch->identity_signature);
    add("dynamic/instance-identity/pkcs7", launch->identity_pkcs7);
    add("dynamic/instance-identity/rsa2048", launch->identity_rsa2048);
}

void MetadataTree::add(const std::string& path, const std::string& text) {
    leaves_[path] = text;
}

void MetadataTree::add_unless_empty(const std::string& path, const std::string& text) {
    if (!text.empty()) add(path, text);
}

void MetadataTree::add_instance(const link::DesiredGuest& guest) {
    const auto& m = guest.metadata;
    const std::string at = "meta-data/";
    add(at + "ami-id", m.image_id);
    add(at + "ami-launch-index", std::to_string(m.launch_index));
    add(at + "ami-manifest-path", "(unknown)");
    add(at + "block-device-mapping/ami", m.root_device_name);
    add(at + "block-device-mapping/root", m.root_device_name);
    add(at + "instance-action", "none");
    add(at + "instance-id", guest.instance_id.str());
    add(at + "instance-life-cycle", "on-demand");
    add(at + "instance-type", guest.instance_type);
    add_unless_empty(at + "kernel-id", m.kernel_id);
    add_unless_empty(at + "ramdisk-id", m.ramdisk_id);
    add(at + "placement/availability-zone", m.zone);
    add(at + "placement/availability-zone-id", m.zone_id);
    add(at + "placement/region", m.region);
    add(at + "profile", "default-hvm");
    add(at + "reservation-id", m.reservation_id);
    add(at + "services/domain", "amazonaws.com");
    add(at + "services/partition", "aws");
    add(at + "system", "nitro");
    if (m.public_key.empty()) return;
    add(at + "public-keys/0/openssh-key", m.public_key + "\n");
    labels_[at + "public-keys/0"] = "0=" + m.key_name;
}

void MetadataTree::add_primary(const link::DesiredGuest& guest) {
    const std::string at = "meta-data/";
    add(at + "hostname", guest.metadata.hostname);
    add(at + "local-hostname", guest.metadata.hostname);
    if (guest.interfaces.empty()) return;
    const auto& first = guest.interfaces.front();
    add(at + "mac", first.mac);
    if (!first.private_ips.empty()) add(at + "local-ipv4", first.private_ips.front());
    if (!first.ipv6_addresses.empty()) add(at + "ipv6", first.ipv6_addresses.front());
    add(at + "security-groups", lines(first.security_groups));
    if (first.public_ips.empty()) return;
    add(at + "public-ipv4", first.public_ips.front().public_ip);
    add_unless_empty(at + "public-hostname", first.public_dns_name);
}

void MetadataTree::add_interface(const link::GuestInterface& interface) {
    const auto at = "meta-data/network/interfaces/macs/" + interface.mac + "/";
    add(at + "device-number", std::to_string(interface.device_index));
    add(at + "interface-id", interface.network_interface_id.str());
    add_unless_empty(at + "ipv6s", lines(interface.ipv6_addresses));
    add(at + "local-hostname", interface.private_dns_name);
    add(at + "local-ipv4s", lines(interface.private_ips));
    add(at + "mac", interface.mac);
    add(at + "owner-id", interface.account_id);
    add(at + "security-group-ids", lines(interface.security_group_ids));
    add(at + "security-groups", lines(interface.security_groups));
    add(at + "subnet-id", interface.subnet_id.str());
    add(at + "subnet-ipv4-cidr-block", interface.subnet_cidr);
    add_unless_empty(at + "subnet-ipv6-cidr-blocks", lines(interface.subnet_ipv6_cidrs));
    add(at + "vpc-id", interface.vpc_id.str());
    if (!interface.vpc_cidrs.empty()) add(at + "vpc-ipv4-cidr-block", interface.vpc_cidrs.front());
    add(at + "vpc-ipv4-cidr-blocks", lines(interface.vpc_cidrs));
    add_unless_empty(at + "vpc-ipv6-cidr-blocks", lines(interface.vpc_ipv6_cidrs));
    add_unless_empty(at + "public-hostname", interface.public_dns_name);
    std::vector<std::string> public_ips;
    for (const auto& mapping : interface.public_ips) {
        public_ips.push_back(mapping.public_ip);
        add(at + "ipv4-associations/" + mapping.public_ip, mapping.private_ip);
    }
    add_unless_empty(at + "public-ipv4s", lines(public_ips));
}

std::optional<std::string> MetadataTree::listing(const std::string& folder) const {
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
    if (entries.empty()) return std::nullopt;
    return lines(entries);
}

std::optional<MetadataTree::Found> MetadataTree::find(std::string_view path) const {
    auto names = names_of(path);
    if (!names) return std::nullopt;
    if (names->empty()) return Found{lines({versions.begin(), versions.end()})};
    if (std::find(versions.begin(), versions.end(), names->front()) == versions.end()) return std::nullopt;
    auto below = joined(*names, 1);
    if (auto leaf = leaves_.find(below); leaf != leaves_.end()) return Found{leaf->second};
    if (!launch_known_ && awaits_launch_data(below)) return Found{"", true};
    if (auto text = listing(below)) return Found{std::move(*text)};
    return std::nullopt;
}

}  // namespace lodge::agent
