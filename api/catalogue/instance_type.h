// One instance type as EC2 describes it. Plain data; the values an entry may have are in type_keys.cpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/model/volume.h"

namespace lodge::catalogue {

struct InstanceType {
    std::string name;    // "m5.large"
    std::string family;  // "m5"

    // Compute. vcpus == cores * threads_per_core, always.
    std::int64_t vcpus = 0;
    std::int64_t cores = 0;
    std::int64_t threads_per_core = 1;
    std::vector<std::int64_t> valid_cores;             // ascending, `cores` among them
    std::vector<std::int64_t> valid_threads_per_core;  // ascending, `threads_per_core` among them
    std::int64_t memory_mib = 0;
    std::vector<std::string> architectures = {"x86_64"};
    std::string manufacturer;  // empty: not stated
    double clock_ghz = 0;      // 0: not stated
    bool burstable = false;

    // What may be asked of the type.
    bool current_generation = true;
    bool free_tier = false;
    bool bare_metal = false;
    bool hibernation = false;
    bool dedicated_hosts = false;
    bool auto_recovery = false;
    std::string hypervisor = "nitro";
    std::vector<std::string> usage_classes = {"on-demand"};
    std::vector<std::string> root_device_types = {"ebs"};
    std::vector<std::string> virtualization_types = {"hvm"};
    std::vector<std::string> boot_modes = {"legacy-bios"};
    std::vector<std::string> placement_strategies = {"spread"};
    std::string nitro_enclaves = "unsupported";
    std::string nitro_tpm = "unsupported";
    std::string processor_health_checks = "unsupported";
    std::string reboot_migration = "unsupported";

    // Network. There is one network card, of index 0, and it has all interfaces (ENIs).
    std::string network_performance = "Moderate";
    double network_baseline_gbps = 0;  // 0: not stated, like the peak
    double network_peak_gbps = 0;
    std::int64_t max_enis = 1;
    std::int64_t ipv4_per_eni = 1;
    std::int64_t ipv6_per_eni = 0;  // as many as IPv4, unless the entry says otherwise
    bool ipv6 = false;
    std::string ena = "unsupported";
    bool ena_express = false;
    std::string flexible_ena_queues = "unsupported";
    bool encryption_in_transit = false;

    // Volumes. The four figures are all stated or all 0.
    std::string ebs_optimized = "unsupported";
    std::string ebs_encryption = "unsupported";
    std::string ebs_nvme = "unsupported";
    std::int64_t ebs_baseline_mbps = 0;  // megabits
    std::int64_t ebs_baseline_iops = 0;
    std::int64_t ebs_maximum_mbps = 0;
    std::int64_t ebs_maximum_iops = 0;
    std::int64_t max_volumes = 1;  // as EC2's type has them, the root disk included

    // Instance-store disks: all alike, and there from the guest's start to its end. 0: none.
    std::int64_t instance_disks = 0;
    std::int64_t instance_disk_gb = 0;  // each, in units of 10^9 bytes

    // The same here: guests have ports for so many.
    std::int64_t attachable_volumes() const { return std::min(max_volumes, 1 + most_data_volumes(vcpus)); }
    bool has_instance_store() const { return instance_disks > 0; }
    std::int64_t instance_disk_bytes() const { return instance_disk_gb * 1'000'000'000; }
    bool states_ebs_speed() const { return ebs_baseline_mbps > 0; }
    // Megabytes a second, as EC2 reports next to the megabits.
    double ebs_baseline_mb_per_s() const { return static_cast<double>(ebs_baseline_mbps) / 8; }
    double ebs_maximum_mb_per_s() const { return static_cast<double>(ebs_maximum_mbps) / 8; }
};

}  // namespace lodge::catalogue
