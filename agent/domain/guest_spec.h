#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/ids.h"

namespace lodge::agent {

// A network interface of a guest: a port of OVN, by its UUID.
struct Nic {
    NetworkInterfaceId network_interface_id;
    std::string port_uuid;
    std::string mac;
    std::int64_t mtu = 0;  // 0: the default
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
    VolumeId root_volume_id;
    std::string root_path;    // the qcow2 overlay
    std::string base_path;    // the cached image under it; empty: libvirt reads it from the overlay's header,
                              // follows the image's own backing file if it has one, and gives QEMU's user
                              // ownership of the image
    std::string base_format;  // "qcow2", "raw"
    std::string kernel_path;  // empty: the disk boots by itself
    std::string ramdisk_path;
    std::string kernel_cmdline;
    std::string console_path;  // the serial console's output goes to this file, rotated by virtlogd
    std::vector<Nic> interfaces;
};

}  // namespace lodge::agent
