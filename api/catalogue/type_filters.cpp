#include "api/catalogue/type_filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lodge::catalogue {
namespace {

using Values = std::vector<std::string>;
using Type = InstanceType;

struct Filter {
    std::string_view name;
    Values (*values)(const Type&);
};

Values none(const Type&) {
    return {};
}

Values no(const Type&) {
    return {"false"};
}

Values spell(bool fact) {
    return {fact ? "true" : "false"};
}

Values spell(const std::string& fact) {
    return {fact};
}

Values spell(const Values& facts) {
    return facts;
}

Values spell(std::int64_t fact) {
    return {std::to_string(fact)};
}

Values spell(double fact) {
    auto text = fmt::format("{}", fact);
    if (text.find('.') != std::string::npos) return {text};
    return {text, text + ".0"};
}

Values spell(const std::vector<std::int64_t>& facts) {
    Values texts;
    for (auto fact : facts) texts.push_back(std::to_string(fact));
    return texts;
}

template <auto Member>
Values field(const Type& type) {
    return spell(type.*Member);
}

template <auto Member>
Values ebs_speed(const Type& type) {
    return type.states_ebs_speed() ? spell(type.*Member) : Values{};
}

template <auto Of>
Values store(const Type& type) {
    return type.has_instance_store() ? spell(Of(type)) : Values{};
}

// Sorted by name. `none` and `no`: facts that no type of Lodge has.
constexpr std::array filters = {
    Filter{"auto-recovery-supported", field<&Type::auto_recovery>},
    Filter{"bare-metal", field<&Type::bare_metal>},
    Filter{"burstable-performance-supported", field<&Type::burstable>},
    Filter{"current-generation", field<&Type::current_generation>},
    Filter{"dedicated-hosts-supported", field<&Type::dedicated_hosts>},
    Filter{"ebs-info.attachment-limit-type", [](const Type&) { return Values{"shared"}; }},
    Filter{"ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps", ebs_speed<&Type::ebs_baseline_mbps>},
    Filter{"ebs-info.ebs-optimized-info.baseline-iops", ebs_speed<&Type::ebs_baseline_iops>},
    Filter{"ebs-info.ebs-optimized-info.baseline-throughput-in-mbps",
           [](const Type& type) {
               return type.states_ebs_speed() ? spell(type.ebs_baseline_mb_per_s()) : Values{};
           }},
    Filter{"ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps", ebs_speed<&Type::ebs_maximum_mbps>},
    Filter{"ebs-info.ebs-optimized-info.maximum-iops", ebs_speed<&Type::ebs_maximum_iops>},
    Filter{"ebs-info.ebs-optimized-info.maximum-throughput-in-mbps",
           [](const Type& type) {
               return type.states_ebs_speed() ? spell(type.ebs_maximum_mb_per_s()) : Values{};
           }},
    Filter{"ebs-info.ebs-optimized-support", field<&Type::ebs_optimized>},
    Filter{"ebs-info.encryption-support", field<&Type::ebs_encryption>},
    Filter{"ebs-info.maximum-ebs-attachments",
           [](const Type& type) { return spell(type.attachable_volumes()); }},
    Filter{"ebs-info.nvme-support", field<&Type::ebs_nvme>},
    Filter{"free-tier-eligible", field<&Type::free_tier>},
    Filter{"hibernation-supported", field<&Type::hibernation>},
    Filter{"hypervisor",
           [](const Type& type) { return type.bare_metal ? Values{} : spell(type.hypervisor); }},
    Filter{"instance-storage-info.disk.count", store<[](const Type& type) { return type.instance_disks; }>},
    Filter{"instance-storage-info.disk.size-in-gb",
           store<[](const Type& type) { return type.instance_disk_gb; }>},
    Filter{"instance-storage-info.disk.type", store<[](const Type&) { return std::string("ssd"); }>},
    Filter{"instance-storage-info.encryption-support",
           store<[](const Type&) { return std::string("unsupported"); }>},
    Filter{"instance-storage-info.nvme-support",
           store<[](const Type&) { return std::string("unsupported"); }>},
    Filter{"instance-storage-info.total-size-in-gb",
           store<[](const Type& type) { return type.instance_disks * type.instance_disk_gb; }>},
    Filter{"instance-storage-supported", [](const Type& type) { return spell(type.has_instance_store()); }},
    Filter{"instance-type", field<&Type::name>},
    Filter{"memory-info.size-in-mib", field<&Type::memory_mib>},
    Filter{"network-info.bandwidth-weightings", none},
    Filter{"network-info.efa-info.maximum-efa-interfaces", none},
    Filter{"network-info.efa-supported", no},
    Filter{"network-info.ena-support", field<&Type::ena>},
    Filter{"network-info.encryption-in-transit-supported", field<&Type::encryption_in_transit>},
    Filter{"network-info.flexible-ena-queues-support", field<&Type::flexible_ena_queues>},
    Filter{"network-info.ipv4-addresses-per-interface", field<&Type::ipv4_per_eni>},
    Filter{"network-info.ipv6-addresses-per-interface", field<&Type::ipv6_per_eni>},
    Filter{"network-info.ipv6-supported", field<&Type::ipv6>},
    Filter{"network-info.maximum-network-cards", [](const Type&) { return Values{"1"}; }},
    Filter{"network-info.maximum-network-interfaces", field<&Type::max_enis>},
    Filter{"network-info.network-performance", field<&Type::network_performance>},
    Filter{"nitro-enclaves-support", field<&Type::nitro_enclaves>},
    Filter{"nitro-tpm-info.supported-versions", none},
    Filter{"nitro-tpm-support", field<&Type::nitro_tpm>},
    Filter{"processor-info.supported-architecture", field<&Type::architectures>},
    Filter{"processor-info.supported-features", none},
    Filter{"processor-info.sustained-clock-speed-in-ghz",
           [](const Type& type) { return type.clock_ghz > 0 ? spell(type.clock_ghz) : Values{}; }},
    Filter{"reboot-migration-support", field<&Type::reboot_migration>},
    Filter{"supported-boot-mode", field<&Type::boot_modes>},
    Filter{"supported-root-device-type", field<&Type::root_device_types>},
    Filter{"supported-usage-class", field<&Type::usage_classes>},
    Filter{"supported-virtualization-type", field<&Type::virtualization_types>},
    Filter{"vcpu-info.default-cores", field<&Type::cores>},
    Filter{"vcpu-info.default-threads-per-core", field<&Type::threads_per_core>},
    Filter{"vcpu-info.default-vcpus", field<&Type::vcpus>},
    Filter{"vcpu-info.valid-cores", field<&Type::valid_cores>},
    Filter{"vcpu-info.valid-threads-per-core", field<&Type::valid_threads_per_core>},
};

constexpr auto names = [] {
    std::array<std::string_view, filters.size()> made;
    for (std::size_t i = 0; i < filters.size(); ++i) made[i] = filters[i].name;
    return made;
}();
static_assert(std::is_sorted(names.begin(), names.end()));

}  // namespace

std::span<const std::string_view> filter_names() {
    return names;
}

std::vector<std::string> filter_values(const InstanceType& type, std::string_view filter_name) {
    const auto* at = std::lower_bound(names.begin(), names.end(), filter_name);
    if (at == names.end() || *at != filter_name) return {};
    return filters[static_cast<std::size_t>(at - names.begin())].values(type);
}

}  // namespace lodge::catalogue
