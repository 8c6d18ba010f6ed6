#include "api/actions/instance_type_info.h"

#include <optional>
#include <string>

namespace lodge::api {
namespace {

using catalogue::InstanceType;

std::optional<double> stated(double value) {
    return value > 0 ? std::optional(value) : std::nullopt;
}

std::optional<std::string> stated(const std::string& value) {
    return value.empty() ? std::nullopt : std::optional(value);
}

ec2::ProcessorInfo processor_info(const InstanceType& type) {
    ec2::ProcessorInfo info;
    info.supported_architectures = type.architectures;
    info.sustained_clock_speed_in_ghz = stated(type.clock_ghz);
    info.manufacturer = stated(type.manufacturer);
    return info;
}

ec2::VCpuInfo vcpu_info(const InstanceType& type) {
    ec2::VCpuInfo info;
    info.default_v_cpus = type.vcpus;
    info.default_cores = type.cores;
    info.default_threads_per_core = type.threads_per_core;
    info.valid_cores = type.valid_cores;
    info.valid_threads_per_core = type.valid_threads_per_core;
    return info;
}

// The disks are virtio's, as volumes are.
ec2::InstanceStorageInfo instance_storage_info(const InstanceType& type) {
    return {type.instance_disks * type.instance_disk_gb,
            {{type.instance_disk_gb, type.instance_disks, "ssd"}},
            "unsupported",
            "unsupported"};
}

ec2::EbsOptimizedInfo ebs_optimized_info(const InstanceType& type) {
    ec2::EbsOptimizedInfo info;
    info.baseline_bandwidth_in_mbps = type.ebs_baseline_mbps;
    info.baseline_throughput_in_m_bps = type.ebs_baseline_mb_per_s();
    info.baseline_iops = type.ebs_baseline_iops;
    info.maximum_bandwidth_in_mbps = type.ebs_maximum_mbps;
    info.maximum_throughput_in_m_bps = type.ebs_maximum_mb_per_s();
    info.maximum_iops = type.ebs_maximum_iops;
    return info;
}

ec2::EbsInfo ebs_info(const InstanceType& type) {
    ec2::EbsInfo info;
    info.ebs_optimized_support = type.ebs_optimized;
    info.encryption_support = type.ebs_encryption;
    if (type.states_ebs_speed()) info.ebs_optimized_info = ebs_optimized_info(type);
    info.nvme_support = type.ebs_nvme;
    info.maximum_ebs_attachments = type.attachable_volumes();
    info.attachment_limit_type = "shared";
    return info;
}

ec2::NetworkCardInfo network_card(const InstanceType& type) {
    ec2::NetworkCardInfo card;
    card.network_card_index = 0;
    card.network_performance = type.network_performance;
    card.maximum_network_interfaces = type.max_enis;
    card.baseline_bandwidth_in_gbps = stated(type.network_baseline_gbps);
    card.peak_bandwidth_in_gbps = stated(type.network_peak_gbps);
    return card;
}

ec2::NetworkInfo network_info(const InstanceType& type) {
    ec2::NetworkInfo info;
    info.network_performance = type.network_performance;
    info.maximum_network_interfaces = type.max_enis;
    info.maximum_network_cards = 1;
    info.default_network_card_index = 0;
    info.network_cards = {network_card(type)};
    info.ipv4_addresses_per_interface = type.ipv4_per_eni;
    info.ipv6_addresses_per_interface = type.ipv6_per_eni;
    info.ipv6_supported = type.ipv6;
    info.ena_support = type.ena;
    info.efa_supported = false;
    info.encryption_in_transit_supported = type.encryption_in_transit;
    info.ena_srd_supported = type.ena_express;
    info.flexible_ena_queues_support = type.flexible_ena_queues;
    return info;
}

void add_abilities(ec2::InstanceTypeInfo& info, const InstanceType& type) {
    info.current_generation = type.current_generation;
    info.free_tier_eligible = type.free_tier;
    info.bare_metal = type.bare_metal;
    info.hibernation_supported = type.hibernation;
    info.burstable_performance_supported = type.burstable;
    info.dedicated_hosts_supported = type.dedicated_hosts;
    info.auto_recovery_supported = type.auto_recovery;
    info.nitro_enclaves_support = type.nitro_enclaves;
    info.nitro_tpm_support = type.nitro_tpm;
    info.phc_support = type.processor_health_checks;
    info.reboot_migration_support = type.reboot_migration;
}

}  // namespace

ec2::InstanceTypeInfo to_ec2(const InstanceType& type) {
    ec2::InstanceTypeInfo info;
    info.instance_type = type.name;
    add_abilities(info, type);
    info.supported_usage_classes = type.usage_classes;
    info.supported_root_device_types = type.root_device_types;
    info.supported_virtualization_types = type.virtualization_types;
    info.supported_boot_modes = type.boot_modes;
    if (!type.bare_metal) info.hypervisor = type.hypervisor;
    info.processor_info = processor_info(type);
    info.v_cpu_info = vcpu_info(type);
    info.memory_info = ec2::MemoryInfo{type.memory_mib};
    info.instance_storage_supported = type.has_instance_store();
    if (type.has_instance_store()) info.instance_storage_info = instance_storage_info(type);
    info.ebs_info = ebs_info(type);
    info.network_info = network_info(type);
    info.placement_group_info = ec2::PlacementGroupInfo{type.placement_strategies};
    info.supported_in_region = true;
    return info;
}

}  // namespace lodge::api
