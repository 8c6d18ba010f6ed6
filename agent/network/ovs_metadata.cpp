// OvsNetwork's metadata networks: for each VPC a namespace, and in it, for each of its subnets with guests
// here, the far end of a cable that is plugged into OVN as the subnet's `localport`.
//
// A cable's row in the switch's database is made before everything else and goes last, so that whatever a
// killed agent leaves is known by it.
#include <algorithm>

#include "agent/network/ovs_network.h"
#include "agent/network/words.h"
#include "proto/base/network_names.h"

namespace lodge::agent {
namespace {

// In external_ids: the host that it belongs to, and its namespace.
constexpr const char* owner_id = "lodge-host";
constexpr const char* netns_id = "lodge-netns";
constexpr const char* namespace_prefix = "lodge-";

}  // namespace

OvsNetwork::Devices OvsNetwork::devices_of(const std::vector<MetadataVpc>& wanted,
                                           std::map<std::string, Words>& ids) const {
    std::lock_guard lock(mutex_);
    Devices devices;
    for (const MetadataVpc& vpc : wanted) {
        for (const MetadataSubnet& subnet : vpc.subnets) {
            const std::string& id = subnet.subnet_id.str();
            const std::string name = metadata_device(subnet.subnet_id);
            devices[name] = {name,
                             namespace_name(vpc.vpc_id),
                             imds_port_mac(id),
                             settings_.guest_mtu,
                             addresses_of(vpc),
                             subnet.cidr};
            ids[name] = {{"iface-id", imds_port_name(id)},
                         {owner_id, options_.host_id.str()},
                         {netns_id, namespace_name(vpc.vpc_id)}};
        }
    }
    return devices;
}

// Namespaces, named as ours are, that are not wanted and no row of any host speaks of.
std::vector<std::string> OvsNetwork::orphaned_namespaces(const Devices& wanted) const {
    std::vector<std::string> orphans = devices_.namespaces(namespace_prefix);
    std::erase_if(orphans, [](const std::string& name) {
        return !VpcId::parse("vpc-" + name.substr(std::string(namespace_prefix).size()));
    });
    for (const auto& [name, device] : wanted) std::erase(orphans, device.netns);
    std::lock_guard lock(mutex_);
    for (const auto& [uuid, each] : view_.interfaces()) std::erase(orphans, each.id(netns_id));
    return orphans;
}

Status OvsNetwork::drop_metadata(const Devices& wanted) {
    std::vector<std::string> names;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [uuid, each] : view_.interfaces())
            if (each.id(owner_id) == options_.host_id.str() && !wanted.contains(each.name))
                names.push_back(each.name);
    }
    for (const std::string& name : names) {
        LODGE_CHECK(devices_.remove_device(name));
        made_.erase(name);
        plugged_.erase(name);
    }
    Json operations;
    {
        std::lock_guard lock(mutex_);
        operations = remove_ports(view_, names);
    }
    LODGE_CHECK(transact_and_follow(operations));
    for (const std::string& netns : orphaned_namespaces(wanted))
        LODGE_CHECK(devices_.remove_namespace(netns));
    return {};
}

bool OvsNetwork::is_plugged(const std::string& name, const Words& ids) const {
    const auto place = view_.place_of(name);
    const auto plugged = view_.plugged(ids.at("iface-id"));
    return place && place->bridge == integration_bridge &&
           std::any_of(plugged.begin(), plugged.end(), [&](const OvsInterface* each) {
               return each->name == name && std::includes(each->external_ids.begin(),
                                                          each->external_ids.end(), ids.begin(), ids.end());
           });
}

// A row that says something else is replaced; so is that of a cable which has to be made anew, or
// ovs-vswitchd would go on with the old one.
Status OvsNetwork::plug_metadata(const std::map<std::string, Words>& ids) {
    for (const auto& [name, wanted] : ids) {
        const unsigned index = devices_.index(name);
        {
            std::lock_guard lock(mutex_);
            if (index != 0 && is_plugged(name, wanted) &&
                plugged_.try_emplace(name, index).first->second == index)
                continue;
        }
        LODGE_CHECK(plug_anew(name, wanted));
        if (index != 0) plugged_[name] = index;
    }
    return {};
}

Status OvsNetwork::plug_anew(const std::string& name, const Words& ids) {
    plugged_.erase(name);
    Json stale;
    {
        std::lock_guard lock(mutex_);
        stale = remove_ports(view_, {name});
    }
    LODGE_CHECK(transact_and_follow(stale));
    return transact(add_port(name, ids)).map([](const Json&) {});
}

// One that cannot be made right is made anew the next time. One that was there when it was to be plugged and
// has gone since, as the kernel takes its time to end a namespace, has to be plugged again.
Status OvsNetwork::make_metadata(const MetadataDevice& device, std::uint64_t netns_inode, const Words& ids) {
    const auto made = made_.find(device.name);
    const auto plugged = plugged_.find(device.name);
    if (made != made_.end() && made->second == device && made_in_[device.name] == netns_inode &&
        plugged != plugged_.end() && plugged->second == devices_.index(device.name))
        return {};
    if (const Status done = devices_.ensure_device(device); !done) {
        static_cast<void>(devices_.remove_device(device.name));
        return done;
    }
    const unsigned index = devices_.index(device.name);
    if (plugged_.try_emplace(device.name, index).first->second != index) {
        LODGE_CHECK(plug_anew(device.name, ids));
        plugged_[device.name] = index;
    }
    made_[device.name] = device;
    made_in_[device.name] = netns_inode;
    return {};
}

Result<std::vector<MetadataNetwork>> OvsNetwork::ensure_metadata(const std::vector<MetadataVpc>& wanted) {
    if (kind() != NetworkKind::present) return std::vector<MetadataNetwork>();
    std::map<std::string, Words> ids;
    const Devices devices = devices_of(wanted, ids);
    LODGE_CHECK(drop_metadata(devices));
    LODGE_CHECK(plug_metadata(ids));
    std::vector<MetadataNetwork> networks;
    for (const MetadataVpc& vpc : wanted) {
        const std::string netns = namespace_name(vpc.vpc_id);
        LODGE_TRY(const std::uint64_t inode, devices_.ensure_namespace(netns));
        for (const MetadataSubnet& subnet : vpc.subnets) {
            const std::string name = metadata_device(subnet.subnet_id);
            LODGE_CHECK(make_metadata(devices.at(name), inode, ids.at(name)));
        }
        networks.push_back({vpc.vpc_id, devices_.path_of(netns), inode, addresses_of(vpc)});
    }
    return networks;
}

}  // namespace lodge::agent
