#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/agent/messages.h"
#include "proto/base/ids.h"

namespace lodge::agent {

// A network interface of a guest: a port of OVN, by its UUID.
struct Nic {
    NetworkInterfaceId network_interface_id;
    std::string port_uuid;
    std::string mac;
    std::int64_t mtu = 0;  // 0: the default
};

// How much a guest may ask of a disk; 0: as much as it likes.
struct DiskLimits {
    std::int64_t iops = 0;
    std::int64_t bytes_per_s = 0;

    bool operator==(const DiskLimits&) const = default;
};

// A file under a disk, that nobody writes to.
struct BaseFile {
    std::string path;
    std::string format;      // "qcow2", "raw"
    bool own = false;        // the disk's alone: an earlier file of its own
    bool encrypted = false;  // by the disk's key

    bool operator==(const BaseFile&) const = default;
};

// A disk of a guest: a qcow2 file.
struct DiskSpec {
    VolumeId volume_id;
    std::string target;  // libvirt's name for it within the domain: "vda" is the root disk
    std::string path = {};
    // What lies under it, the next one first: all of it, whatever the file's header says.
    std::vector<BaseFile> bases = {};
    std::int64_t size_bytes = 0;
    DiskLimits limits = {};
    std::int64_t cuts = 0;   // the file's number among the volume's
    link::DiskKey key = {};  // none: its files are not encrypted
};

// UEFI's, in two files: what is the same for all machines, and the variables that are this one's alone.
struct Firmware {
    std::string code_path;
    std::string variables_path;
};

// A guest as the hypervisor is to run it: the agent's paths in place of content hashes. Paths are absolute.
struct GuestSpec {
    GuestId guest_id;
    InstanceId instance_id;
    HostId host_id;
    std::string instance_type;
    std::string architecture;  // EC2's word: "x86_64", "i386"
    std::int64_t vcpus = 0;
    std::int64_t core_count = 0;  // cores times threads that are not `vcpus` give one thread a core
    std::int64_t threads_per_core = 0;
    std::int64_t memory_mib = 0;
    DiskSpec root;
    std::vector<DiskSpec> disks;           // besides the root
    std::vector<std::string> store_disks;  // qcow2 files of instance-store disks, by number
    std::optional<Firmware> firmware;      // none: the BIOS
    std::string kernel_path;               // empty: the disk boots by itself
    std::string ramdisk_path;
    std::string kernel_cmdline;
    std::string console_path;  // the serial console's output goes to this file, rotated by virtlogd
    std::vector<Nic> interfaces;
};

}  // namespace lodge::agent
