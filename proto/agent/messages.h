// What an agent and the control plane say to each other: JSON bodies over mutual TLS (port 8774), or the same
// structs passed directly in a simulation. Unknown members are ignored and missing ones have their default
// value, so that either side may be the newer one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/result.h"
#include "proto/model/boot_mode.h"
#include "proto/model/guest.h"
#include "proto/model/instance.h"

namespace lodge::link {

// POST /v1/join, without a client certificate: a machine with a one-time token becomes a host.
struct JoinRequest {
    std::string token_secret;
    std::string certificate_request_pem;
};
struct JoinReply {
    HostId host_id;
    std::string certificate_pem;
    std::string zone;
};

// POST /v1/hello: once after every start of the agent.
struct HostFacts {
    std::string name;
    std::string architecture;
    std::int64_t vcpus = 0;
    std::int64_t memory_mib = 0;
    std::int64_t disk_mib = 0;
    std::string accelerator;  // "kvm" or "qemu"
    std::string agent_version;
    // What volumes' files are in, and other hosts' too; empty: this host's alone.
    std::string storage_pool = {};
};
struct HelloRequest {
    HostFacts facts;
    std::int64_t epoch = 0;  // the last one the agent knew; 0 for none
};
// An epoch above the request's means that the host was fenced meanwhile, and is not greeted yet: its agent
// ends all guests that it has, keeps the new epoch and says hello again. What makes the machine a chassis of
// OVN.
struct ChassisSettings {
    bool has_ovn = false;           // false: the operator wants none, and guests run without interfaces
    std::string southbound_remote;  // "unix:…", "ssl:HOST:6642"; empty: as the host is configured
    std::string provider_network;   // what the bridge to the outside is called in OVN
    std::int64_t guest_mtu = 0;

    bool operator==(const ChassisSettings&) const = default;
};
struct HelloReply {
    std::int64_t epoch = 0;
    std::int64_t heartbeat_ms = 0;  // how often to send one
    ChassisSettings chassis;
};

// POST /v1/heartbeat: renews the lease. Never costs a durable commit.
struct Heartbeat {
    bool hypervisor_ok = true;
    std::string hypervisor_error;
    std::int64_t disk_free_mib = -1;  // -1: not known
    bool network_ok = true;           // ovs-vswitchd and ovn-controller answer, and the latter reaches OVN
    std::string network_error;
};
struct HeartbeatReply {
    bool hello_wanted = false;  // the control plane has restarted, or fenced the host: say hello again
};

// Content of the image folder, GET /v1/images/<sha256>.
struct Content {
    std::string sha256;  // hex; empty: none
    std::string format;  // of a disk; always passed to QEMU explicitly
    std::int64_t size_bytes = 0;
    bool encrypted = false;  // a layer of an encrypted disk, which that one's key opens

    bool operator==(const Content&) const = default;
};

// An ENI as its guest is to have it, and as the guest's metadata tells. Addresses in text, the primary one
// first.
struct PublicMapping {
    std::string private_ip;
    std::string public_ip;

    bool operator==(const PublicMapping&) const = default;
};
struct GuestInterface {
    NetworkInterfaceId network_interface_id;
    std::string port_uuid;  // names the port in OVN
    std::string mac;
    std::int64_t device_index = 0;
    std::string account_id;
    VpcId vpc_id;
    SubnetId subnet_id;
    std::string subnet_cidr;
    std::vector<std::string> subnet_ipv6_cidrs;
    std::vector<std::string> vpc_cidrs;
    std::vector<std::string> vpc_ipv6_cidrs;
    std::vector<std::string> private_ips;
    std::vector<std::string> ipv6_addresses;
    std::vector<PublicMapping> public_ips;
    std::vector<std::string> security_group_ids;
    std::vector<std::string> security_groups;  // names
    std::string private_dns_name;
    std::string public_dns_name;  // empty: none

    bool operator==(const GuestInterface&) const = default;
};

// What the metadata service tells a guest besides its interfaces. Changes of it raise no generation.
struct GuestMetadata {
    bool http_endpoint = true;
    bool http_tokens_required = false;
    std::int64_t hop_limit = 1;
    bool http_ipv6 = false;
    bool instance_tags = false;
    std::string account_id;
    std::string region;
    std::string zone;
    std::string zone_id;
    std::string image_id;
    std::string kernel_id;
    std::string ramdisk_id;
    std::string reservation_id;
    std::int64_t launch_index = 0;
    UnixMs launched_ms = 0;
    std::string root_device_name;
    std::string key_name;    // empty: none
    std::string public_key;  // in OpenSSH's format
    std::string hostname;
    std::map<std::string, std::string> tags;                // none unless instance_tags
    std::map<std::string, std::string> block_devices = {};  // "ebs1", "ephemeral0": their devices' names
    std::map<std::string, std::string> volumes = {};        // the same by volumes' IDs, the root disk's too

    bool operator==(const GuestMetadata&) const = default;
};

// POST /v1/launch-data: once for each guest, before its metadata is first asked for; kept by the agent. What
// is too big for every poll, and what only the control plane can sign.
struct LaunchDataRequest {
    GuestId guest_id;
};
struct LaunchDataReply {
    std::string user_data;           // raw
    std::string identity_document;   // JSON, as signed
    std::string identity_signature;  // base64: RSA with SHA-256 over the document
    std::string identity_pkcs7;      // base64 without its PEM frame: the document and its signature
    std::string identity_rsa2048;    // the same with an RSA key of 2048 bits and SHA-256
};

// What opens the files of an encrypted disk: qcow2 files with LUKS in them.
struct DiskKey {
    std::string id;          // a UUID; empty: the disk is not encrypted
    std::string passphrase;  // empty: the control plane cannot tell it now

    bool operator==(const DiskKey&) const = default;
};

// A disk as its guest is to have it. Changes of size and limits raise no generation.
struct GuestDisk {
    VolumeId volume_id;
    std::string target;  // libvirt's name for it within the domain: "vdf"
    std::int64_t size_bytes = 0;
    std::int64_t iops = 0;         // how much the guest may ask of it; 0: as much as it likes
    std::int64_t bytes_per_s = 0;  // the same
    Content image = {};            // what it began as; none: empty
    bool keep = false;             // its file existed before: never make it anew
    // What lies between the image and the disk's own file, the lowest first: qcow2 files that name no other.
    // Those without a hash are the topmost, and on this host alone: the disk's earlier files.
    std::vector<Content> layers = {};
    std::int64_t cuts = 0;  // the number of its own file: how many of the layers were that before
    // To be let go of, once none of the guest's file systems is on it; a guest that starts does not get it.
    bool leaving = false;
    DiskKey key = {};      // of its own files, and of layers that are encrypted
    bool flatten = false;  // its own file is to take in all that lies under it, while a guest runs

    bool operator==(const GuestDisk&) const = default;
};

// One guest as the host is to have it.
struct DesiredGuest {
    GuestId guest_id;
    InstanceId instance_id;
    std::int64_t generation = 0;
    Desired desired = Desired::running;
    bool skip_os_shutdown = false;         // stop without asking the guest first
    Observed observed = Observed::placed;  // what the control plane last heard of it
    std::int64_t reboots_wanted = 0;
    std::int64_t reboots_done = 0;
    std::int64_t interrupts_wanted = 0;  // non-maskable ones, to have the guest tell what it is doing
    std::int64_t interrupts_done = 0;
    std::string instance_type;
    std::string architecture;
    BootMode boot_mode = BootMode::legacy_bios;  // or `uefi`
    std::int64_t vcpus = 0;
    std::int64_t core_count = 0;
    std::int64_t threads_per_core = 0;
    std::int64_t memory_mib = 0;
    VolumeId root_volume_id;
    std::int64_t root_size_bytes = 0;
    Content image;
    Content kernel;
    Content ramdisk;
    std::string kernel_cmdline;
    bool keep_root = false;      // the root disk existed before this guest: never make it anew
    std::int64_t root_iops = 0;  // as a GuestDisk's
    std::int64_t root_bytes_per_s = 0;
    bool root_stays = false;                // when the guest is terminated
    std::vector<Content> root_layers = {};  // as a GuestDisk's
    std::int64_t root_cuts = 0;
    DiskKey root_key = {};
    bool root_flatten = false;
    std::vector<GuestDisk> disks;            // besides the root disk
    std::int64_t store_disks = 0;            // instance-store disks: empty ones, which end with the guest
    std::int64_t store_disk_bytes = 0;       // each
    std::vector<GuestInterface> interfaces;  // by device index; changes raise no generation
    GuestMetadata metadata;

    bool operator==(const DesiredGuest&) const = default;
};

// A snapshot whose layer, file `cut` of the disk, the control plane has not got yet. The disk has `cuts`
// above that: who has it writes to another file, or is to.
struct Cut {
    SnapshotId snapshot_id;
    std::int64_t cut = 0;
    GuestDisk disk;

    bool operator==(const Cut&) const = default;
};

// POST /v1/poll: answered at once when the host's desired state is not `known_version`, else when it changes
// or after `wait_ms`. Versions are only compared; their part before the dot changes when the control plane
// starts anew, perhaps from a backup.
struct PollRequest {
    std::string known_version;
    std::int64_t wait_ms = 0;
};
struct PollReply {
    std::string version;
    bool changed = false;                       // false: `guests` is not filled
    std::vector<DesiredGuest> guests;           // all of the host's
    std::vector<InstanceId> console_requests;   // whose console output somebody is waiting for
    std::int64_t epoch = 0;                     // the host's, when `guests` was read; 0: not told
    std::vector<VolumeId> kept_volumes = {};    // the host's that are no root disks, a guest's or not
    std::vector<VolumeId> doomed_volumes = {};  // those to be removed, as soon as no domain has them
    std::vector<Cut> cuts = {};                 // by volume and number
};

// A disk that is plugged into a running guest, the root disk among them.
struct ObservedDisk {
    VolumeId volume_id;
    std::int64_t size_bytes = 0;  // that the guest sees for certain; 0: not known
    std::int64_t iops = 0;        // what it is held to
    std::int64_t bytes_per_s = 0;
    std::int64_t flat = -1;  // of one to be flattened: the number of its file that nothing lies under

    bool operator==(const ObservedDisk&) const = default;
};

// What the agent sees of one guest.
struct ObservedGuest {
    GuestId guest_id;
    std::int64_t generation = 0;  // of the desired state it acted on
    Observed observed = Observed::placed;
    std::int64_t reboots_done = 0;
    std::int64_t interrupts_done = 0;
    std::string
        reason_code;  // EC2's StateReason codes: "Client.InstanceInitiatedShutdown", "Server.InternalError"
    std::string reason;
    // Plugged into the running guest, and installed by OVN.
    std::vector<NetworkInterfaceId> interfaces;
    std::vector<ObservedDisk> disks = {};

    bool operator==(const ObservedGuest&) const = default;
};
struct ConsoleOutput {
    InstanceId instance_id;
    std::string bytes;  // the last 64 KiB at most
};
// POST /v1/report. Applied in one transaction; a repeated report changes nothing.
struct ReportRequest {
    std::vector<ObservedGuest> guests;
    std::vector<ConsoleOutput> consoles;
    std::vector<VolumeId> removed_volumes = {};  // doomed ones whose files are gone
};
struct ReportReply {};

// POST /v1/layers/SNAPSHOT/OFFSET/TOTAL with a layer's bytes from there on: pieces follow each other; 0
// begins anew. `conflict` when the piece is not the next one, after a restart, say.
// POST /v1/layer: the snapshot is completed if the control plane has all of its layer; `conflict` if not.
// Repeated, it says the same.
struct LayerRequest {
    SnapshotId snapshot_id;
    Content content;
};
struct LayerReply {};  // to either

// As much of a layer as goes into one request.
inline constexpr std::size_t layer_piece_bytes = 768 * 1024;

// The last bytes of a console that EC2 keeps (GetConsoleOutput: 64 KB).
inline constexpr std::size_t console_bytes = 64 * 1024;

template <class Message>
std::string to_json(const Message& message);
// InvalidInput when the text is not JSON, or a member is of another type (a number that is no std::int64_t,
// for one) or no ID of its kind; for a message without the ID of what it is about; and for a PollReply
// without its members, since no list of guests must not pass for an empty one.
template <class Message>
Result<Message> from_json(std::string_view text);

}  // namespace lodge::link
