#include "scheduler/reconcile/desired.h"

#include <algorithm>
#include <unordered_map>

#include "db/store/attached_interfaces.h"
#include "db/store/images.h"
#include "db/store/instances.h"
#include "db/store/snapshots.h"
#include "db/store/subnets.h"
#include "db/store/tags.h"
#include "db/store/volumes.h"
#include "db/store/vpcs.h"
#include "db/store/zones.h"
#include "scheduler/network/names.h"
#include "scheduler/volumes/devices.h"
#include "scheduler/volumes/disk_keys.h"
#include "scheduler/volumes/volume_types.h"

namespace lodge::scheduler {
namespace {

// Looks each image up once.
class Images {
  public:
    explicit Images(db::Session& session) : session_(session) {}

    const Image& get(const std::string& id) {
        auto [found, fresh] = known_.try_emplace(id);
        if (fresh && !id.empty()) found->second = db::images::find_any(session_, id).value_or(Image{});
        return found->second;
    }

  private:
    db::Session& session_;
    std::unordered_map<std::string, Image> known_;
};

// Looks the layers up to each snapshot up once.
class Layers {
  public:
    explicit Layers(db::Session& session) : session_(session) {}

    const std::vector<link::Content>& get(const SnapshotId& id) {
        auto [found, fresh] = known_.try_emplace(id);
        if (fresh) found->second = volumes::layers_of(session_, id);
        return found->second;
    }

  private:
    db::Session& session_;
    std::unordered_map<SnapshotId, std::vector<link::Content>> known_;
};

link::Content content(const Image& image) {
    return {image.blob.sha256, image.blob.format, image.blob.size_bytes};
}

using db::attached_interfaces::AttachedInterface;

// What the interfaces of a host's guests are in; looks each VPC and subnet up once.
class Networks {
  public:
    explicit Networks(db::Session& session) : session_(session) {}

    void fill(link::GuestInterface& out) {
        const auto& subnet = subnet_of(out.subnet_id);
        out.subnet_cidr = subnet.cidr;
        out.subnet_ipv6_cidrs = subnet.ipv6_cidrs;
        const auto& vpc = vpc_of(out.vpc_id);
        out.vpc_cidrs = vpc.cidrs;
        out.vpc_ipv6_cidrs = vpc.ipv6_cidrs;
    }

  private:
    struct SubnetBlocks {
        std::string cidr;
        std::vector<std::string> ipv6_cidrs;
    };
    struct VpcBlocks {
        std::vector<std::string> cidrs;
        std::vector<std::string> ipv6_cidrs;
    };

    const SubnetBlocks& subnet_of(const SubnetId& id) {
        auto [found, fresh] = subnets_.try_emplace(id);
        if (!fresh) return found->second;
        if (auto subnet = db::subnets::find_any(session_, id.str())) found->second.cidr = subnet->cidr;
        for (const auto& block : db::subnets::ipv6_cidrs_of(session_, id))
            found->second.ipv6_cidrs.push_back(block.cidr);
        return found->second;
    }

    const VpcBlocks& vpc_of(const VpcId& id) {
        auto [found, fresh] = vpcs_.try_emplace(id);
        if (!fresh) return found->second;
        for (const auto& block : db::vpcs::cidrs_of(session_, id))
            (block.is_ipv6 ? found->second.ipv6_cidrs : found->second.cidrs).push_back(block.cidr);
        return found->second;
    }

    db::Session& session_;
    std::unordered_map<SubnetId, SubnetBlocks> subnets_;
    std::unordered_map<VpcId, VpcBlocks> vpcs_;
};

void put_addresses(const AttachedInterface& attached, link::GuestInterface& out) {
    for (const auto& address : attached.addresses)
        (address.is_ipv6 ? out.ipv6_addresses : out.private_ips).push_back(address.address);
    for (const auto& elastic : attached.elastic)
        out.public_ips.push_back({elastic.private_ip, elastic.public_ip});
    if (!attached.interface.public_ip.empty() && !out.private_ips.empty())
        out.public_ips.push_back({out.private_ips.front(), attached.interface.public_ip});
}

link::GuestInterface guest_interface(const Instance& instance, const AttachedInterface& attached,
                                     Networks& networks) {
    const auto& interface = attached.interface;
    link::GuestInterface out;
    out.network_interface_id = interface.id;
    out.port_uuid = interface.port_uuid;
    out.mac = interface.mac;
    out.device_index = interface.device_index;
    out.account_id = interface.account_id;
    out.vpc_id = interface.vpc_id;
    out.subnet_id = interface.subnet_id;
    networks.fill(out);
    put_addresses(attached, out);
    for (const auto& group : attached.groups) {
        out.security_group_ids.push_back(group.id.str());
        out.security_groups.push_back(group.name);
    }
    if (!out.private_ips.empty())
        out.private_dns_name = interface.device_index == 0
                                   ? network::host_name(instance, out.private_ips.front())
                                   : network::ip_name(interface.region, out.private_ips.front());
    return out;
}

// Everything that a host's guests' networks are made of, loaded at once.
class Attachments {
  public:
    Attachments(db::Session& session, const HostId& host_id) : networks_(session) {
        for (auto& attached : db::attached_interfaces::of_host(session, host_id))
            by_instance_[attached.interface.instance_id].push_back(std::move(attached));
    }

    // What is to be plugged in: an interface that is detaching is not.
    std::vector<link::GuestInterface> of(const Instance& instance) {
        std::vector<link::GuestInterface> out;
        auto found = by_instance_.find(instance.id.str());
        if (found == by_instance_.end()) return out;
        for (const auto& attached : found->second)
            if (attached.interface.attachment_state != AttachmentState::detaching)
                out.push_back(guest_interface(instance, attached, networks_));
        return out;
    }

  private:
    Networks networks_;
    std::unordered_map<std::string, std::vector<AttachedInterface>> by_instance_;
};

// Those of its instance-store disks that it has: its type may be another one by now.
void put_store_names(const Instance& instance, std::map<std::string, std::string>& out) {
    for (std::int64_t number = 0; number < instance.store_disks; ++number) {
        const auto name = "ephemeral" + std::to_string(number);
        const std::string all = "," + instance.store_devices + ",";
        const auto at = all.find("," + name + "=");
        if (at == std::string::npos) continue;
        const auto begin = at + name.size() + 2;
        out[name] = all.substr(begin, all.find(',', begin) - begin);
    }
}

// The volumes of a host, loaded at once.
class Disks {
  public:
    Disks(db::Session& session, const HostId& host_id, const volumes::KeyRing& keys,
          const volumes::FlattenFrom& flatten, Images& images)
        : session_(session), keys_(keys), flatten_(flatten), images_(images), layers_(session) {
        for (auto& snapshot : db::snapshots::waiting_on(session, host_id))
            waiting_[snapshot.volume_id].push_back(std::move(snapshot));
        for (auto& volume : db::volumes::of_host(session, host_id))
            by_instance_[volume.instance_id.str()].push_back(std::move(volume));
    }

    // Those besides the root disk, and instance-store disks that the launch gave a name, as metadata has
    // them.
    std::map<std::string, std::string> names(const Instance& instance) {
        std::map<std::string, std::string> out;
        std::size_t number = 0;
        for (const auto& volume : by_instance_[instance.id.str()])
            if (!volume.is_root && volume.attachment_state != AttachmentState::detaching)
                out["ebs" + std::to_string(++number)] = volume.device;
        put_store_names(instance, out);
        return out;
    }

    std::map<std::string, std::string> devices(const Instance& instance) {
        std::map<std::string, std::string> out;
        for (const auto& volume : by_instance_[instance.id.str()])
            if (volume.attachment_state != AttachmentState::detaching) out[volume.id.str()] = volume.device;
        return out;
    }

    // What is to be plugged in, or let go of. Without a row of its own a root disk's file stays: it is for
    // the sweep of what is left to judge that.
    void fill(const Instance& instance, link::DesiredGuest& out) {
        out.root_stays = true;
        for (const auto& volume : by_instance_[instance.id.str()]) {
            if (volume.is_root) {
                put_root(disk_of(volume), out);
                out.root_stays = !volume.delete_on_termination || waiting_.contains(volume.id);
            } else {
                out.disks.push_back(disk_of(volume));
                out.disks.back().leaving = volume.attachment_state == AttachmentState::detaching;
            }
        }
    }

    // A doomed volume is kept until what its snapshots are made of was sent.
    void fill(link::PollReply& out) {
        for (const auto& [instance, volumes] : by_instance_)
            for (const auto& volume : volumes) {
                if (!volume.is_root) {
                    const bool doomed = volume.deleting && !waiting_.contains(volume.id);
                    (doomed ? out.doomed_volumes : out.kept_volumes).push_back(volume.id);
                }
                if (const auto waiting = waiting_.find(volume.id); waiting != waiting_.end())
                    for (const auto& snapshot : waiting->second)
                        out.cuts.push_back({snapshot.id, snapshot.cut, disk_of(volume)});
            }
    }

  private:
    link::GuestDisk disk_of(const Volume& volume) {
        const auto limits = volumes::limits_of(volume);
        link::GuestDisk disk{volume.id,          volumes::disk_target(volume.device).value_or(""),
                             volume.size_bytes,  limits.iops,
                             limits.bytes_per_s, content(images_.get(volume.image_id.str())),
                             volume.made};
        disk.layers = layers_.get(volume.below_id);
        disk.cuts = volume.cuts;
        disk.key = volumes::key_of(session_, keys_, volume.key_id);
        disk.flatten = volumes::is_to_be_flattened(volume, disk.layers.size(), flatten_);
        return disk;
    }

    static void put_root(link::GuestDisk disk, link::DesiredGuest& out) {
        out.keep_root = out.keep_root && disk.keep;  // another one may have taken its place
        out.root_size_bytes = disk.size_bytes;
        out.root_iops = disk.iops;
        out.root_bytes_per_s = disk.bytes_per_s;
        out.image = std::move(disk.image);
        out.root_layers = std::move(disk.layers);
        out.root_cuts = disk.cuts;
        out.root_key = std::move(disk.key);
        out.root_flatten = disk.flatten;
    }

    db::Session& session_;
    const volumes::KeyRing& keys_;
    const volumes::FlattenFrom& flatten_;
    Images& images_;
    Layers layers_;
    std::unordered_map<VolumeId, std::vector<Snapshot>> waiting_;  // whose layers are to be sent, by number
    std::unordered_map<std::string, std::vector<Volume>> by_instance_;
};

std::unordered_map<std::string, std::string> zone_ids(db::Session& session) {
    std::unordered_map<std::string, std::string> ids;
    for (const auto& zone : db::zones::list(session)) ids[zone.name] = zone.id;
    return ids;
}

link::GuestMetadata metadata(db::Session& session, const Instance& instance) {
    link::GuestMetadata out;
    out.http_endpoint = instance.metadata.http_endpoint;
    out.http_tokens_required = instance.metadata.http_tokens == "required";
    out.hop_limit = instance.metadata.hop_limit;
    out.http_ipv6 = instance.metadata.http_ipv6;
    out.instance_tags = instance.metadata.instance_tags;
    out.account_id = instance.account_id;
    out.region = instance.region;
    out.zone = instance.zone;
    out.image_id = instance.image_id.str();
    out.kernel_id = instance.kernel_id;
    out.ramdisk_id = instance.ramdisk_id;
    out.reservation_id = instance.reservation_id.str();
    out.launch_index = instance.launch_index;
    out.launched_ms = instance.launched_ms;
    out.root_device_name = instance.root_device_name;
    out.key_name = instance.key_name;
    out.public_key = instance.public_key;
    if (out.instance_tags)
        for (auto& tag : db::tags::of(session, instance.account_id, instance.id.str()))
            out.tags[tag.key] = tag.value;
    return out;
}

link::DesiredGuest desired(const db::instances::WithGuest& row, Images& images) {
    const auto& [instance, guest] = row;
    link::DesiredGuest out;
    out.guest_id = guest.id;
    out.instance_id = instance.id;
    out.generation = instance.generation;
    out.desired = instance.desired;
    out.skip_os_shutdown = instance.skip_os_shutdown;
    out.observed = guest.observed;
    out.reboots_wanted = instance.reboots_wanted;
    out.reboots_done = guest.reboots_done;
    out.interrupts_wanted = instance.interrupts_wanted;
    out.interrupts_done = guest.interrupts_done;
    out.instance_type = instance.instance_type;
    out.architecture = instance.architecture;
    out.boot_mode = instance.current_boot_mode;
    out.vcpus = instance.vcpus;
    out.core_count = instance.core_count;
    out.threads_per_core = instance.threads_per_core;
    out.memory_mib = instance.memory_mib;
    out.store_disks = instance.store_disks;
    out.store_disk_bytes = instance.store_disk_bytes;
    out.root_volume_id = instance.root_volume_id;
    out.root_size_bytes = instance.root_size_bytes;
    const auto& image = images.get(instance.image_id.str());
    out.image = content(image);
    out.kernel = content(images.get(instance.kernel_id));
    out.ramdisk = content(images.get(instance.ramdisk_id));
    out.kernel_cmdline = image.kernel_cmdline;
    out.keep_root = guest.keeps_root;
    return out;
}

}  // namespace

void desire(db::Session& session, const HostId& host_id, const volumes::KeyRing& keys,
            const volumes::FlattenFrom& flatten, link::PollReply& reply) {
    Images images(session);
    Attachments attachments(session, host_id);
    Disks disks(session, host_id, keys, flatten, images);
    auto zones = zone_ids(session);
    for (const auto& row : db::instances::on_host(session, host_id)) {
        auto& guest = reply.guests.emplace_back(desired(row, images));
        disks.fill(row.instance, guest);
        guest.interfaces = attachments.of(row.instance);
        guest.metadata = metadata(session, row.instance);
        guest.metadata.zone_id = zones[row.instance.zone];
        guest.metadata.block_devices = disks.names(row.instance);
        guest.metadata.volumes = disks.devices(row.instance);
        if (!guest.interfaces.empty()) guest.metadata.hostname = guest.interfaces.front().private_dns_name;
    }
    disks.fill(reply);
}

}  // namespace lodge::scheduler
