#include "api/actions/type_requirements.h"

#include <algorithm>

#include "api/describe/filters.h"

namespace lodge::api {
namespace {

using catalogue::InstanceType;
using Needs = ec2::TypeRequirements;

constexpr std::size_t most_types = 400;
constexpr double mib_per_gib = 1024;

// --- What may be asked

Status invalid(std::string_view name, std::string_view why) {
    return fail(ErrorCode::invalid_parameter_value,
                "InstanceRequirements." + std::string(name) + " is invalid: " + std::string(why));
}

template <class Low, class High>
Status check_range(std::string_view name, const Low& least, const High& most) {
    if (least < 0) return invalid(name, "Min is less than 0.");
    if (most && *most < least) return invalid(name, "Max is less than Min.");
    return {};
}

template <class Range>
Status check_range(std::string_view name, const std::optional<Range>& range) {
    return range ? check_range(name, range->min.value_or(0), range->max) : Status();
}

Status check_ranges(const Needs& needs) {
    LODGE_CHECK(check_range("VCpuCount", needs.v_cpu_count.min, needs.v_cpu_count.max));
    LODGE_CHECK(check_range("MemoryMiB", needs.memory_mi_b.min, needs.memory_mi_b.max));
    LODGE_CHECK(check_range("MemoryGiBPerVCpu", needs.memory_gi_b_per_v_cpu));
    LODGE_CHECK(check_range("NetworkInterfaceCount", needs.network_interface_count));
    LODGE_CHECK(check_range("NetworkBandwidthGbps", needs.network_bandwidth_gbps));
    LODGE_CHECK(check_range("BaselineEbsBandwidthMbps", needs.baseline_ebs_bandwidth_mbps));
    LODGE_CHECK(check_range("TotalLocalStorageGB", needs.total_local_storage_gb));
    LODGE_CHECK(check_range("AcceleratorCount", needs.accelerator_count));
    return check_range("AcceleratorTotalMemoryMiB", needs.accelerator_total_memory_mi_b);
}

// --- What a type has

template <class Value, class Low, class High>
bool in_range(Value value, const Low& least, const High& most) {
    return value >= least && (!most || value <= *most);
}

template <class Value, class Range>
bool within(Value value, const std::optional<Range>& range) {
    return !range || in_range(value, range->min.value_or(0), range->max);
}

// "included", "required" or "excluded" against a fact.
bool suits(bool fact, const std::optional<std::string>& wish, std::string_view otherwise) {
    std::string_view word = wish ? std::string_view(*wish) : otherwise;
    return word == "included" || fact == (word == "required");
}

bool is_among(const std::vector<std::string>& patterns, const std::string& name) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return describe::Pattern(pattern).matches(name); });
}

// As requests spell it; nothing for a type that does not state it.
std::string_view maker_of(const InstanceType& type) {
    if (type.manufacturer == "Intel") return "intel";
    if (type.manufacturer == "AMD") return "amd";
    if (type.manufacturer == "AWS" || type.manufacturer == "Amazon Web Services")
        return "amazon-web-services";
    if (type.manufacturer == "Apple") return "apple";
    return "";
}

bool machine_meets(const InstanceType& type, const Needs& needs) {
    auto gib_per_vcpu = static_cast<double>(type.memory_mib) / mib_per_gib / static_cast<double>(type.vcpus);
    const auto& makers = needs.cpu_manufacturer;
    return in_range(type.vcpus, needs.v_cpu_count.min, needs.v_cpu_count.max) &&
           in_range(type.memory_mib, needs.memory_mi_b.min, needs.memory_mi_b.max) &&
           within(gib_per_vcpu, needs.memory_gi_b_per_v_cpu) &&
           (makers.empty() || std::find(makers.begin(), makers.end(), maker_of(type)) != makers.end()) &&
           suits(type.bare_metal, needs.bare_metal, "excluded") &&
           suits(type.burstable, needs.burstable_performance, "excluded") &&
           (type.hibernation || !needs.require_hibernate_support.value_or(false));
}

// What it can reach, if only for a while.
double network_gbps(const InstanceType& type) {
    return std::max(type.network_baseline_gbps, type.network_peak_gbps);
}

bool network_meets(const InstanceType& type, const Needs& needs) {
    return within(type.max_enis, needs.network_interface_count) &&
           within(network_gbps(type), needs.network_bandwidth_gbps) &&
           within(type.ebs_baseline_mbps, needs.baseline_ebs_bandwidth_mbps) &&
           (type.encryption_in_transit || !needs.require_encryption_in_transit.value_or(false));
}

// No type here has disks of its own, or accelerators.
bool lacks_meet(const Needs& needs) {
    return suits(false, needs.local_storage, "included") && needs.local_storage_type.empty() &&
           within(0.0, needs.total_local_storage_gb) && within(0, needs.accelerator_count) &&
           within(0, needs.accelerator_total_memory_mi_b) && needs.accelerator_type.empty() &&
           needs.accelerator_manufacturer.empty() && needs.accelerator_name.empty();
}

bool name_meets(const InstanceType& type, const Needs& needs) {
    const auto& generations = needs.instance_generation;
    std::string_view generation = type.current_generation ? "current" : "previous";
    return !is_among(needs.excluded_instance_type, type.name) &&
           (needs.allowed_instance_type.empty() || is_among(needs.allowed_instance_type, type.name)) &&
           (generations.empty() ||
            std::find(generations.begin(), generations.end(), generation) != generations.end());
}

}  // namespace

Status check_requirements(const ec2::TypeRequirements& requirements) {
    if (!requirements.allowed_instance_type.empty() && !requirements.excluded_instance_type.empty())
        return fail(ErrorCode::invalid_parameter_combination,
                    "AllowedInstanceType and ExcludedInstanceType cannot be specified together.");
    if (std::max(requirements.allowed_instance_type.size(), requirements.excluded_instance_type.size()) >
        most_types)
        return invalid("AllowedInstanceType", "There are more than 400 types.");
    return check_ranges(requirements);
}

bool meets(const InstanceType& type, const ec2::TypeRequirements& requirements) {
    return machine_meets(type, requirements) && network_meets(type, requirements) &&
           lacks_meet(requirements) && name_meets(type, requirements);
}

}  // namespace lodge::api
