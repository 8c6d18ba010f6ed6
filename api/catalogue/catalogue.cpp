#include "api/catalogue/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "api/catalogue/type_file.h"

namespace lodge::catalogue {
namespace {

using Fault = std::optional<std::string>;

void apply(InstanceType& type, const Entry& entry) {
    for (const auto& [key, setting] : entry.settings) setting(type);
}

// Fills in what follows from the rest.
void complete(InstanceType& type) {
    type.cores = type.vcpus / type.threads_per_core;
    if (type.valid_cores.empty()) type.valid_cores = {type.cores};
    if (type.valid_threads_per_core.empty())
        for (std::int64_t n = 1; n <= type.threads_per_core; ++n) type.valid_threads_per_core.push_back(n);
    if (!type.ipv6) type.ipv6_per_eni = 0;
    if (type.ipv6 && type.ipv6_per_eni == 0) type.ipv6_per_eni = type.ipv4_per_eni;
}

Fault compute_fault(const InstanceType& type) {
    if (type.vcpus == 0) return "has no vcpus";
    if (type.memory_mib == 0) return "has no memory_mib";
    if (type.cores * type.threads_per_core != type.vcpus)
        return "has vcpus that are not a multiple of threads_per_core";
    // Both lists are sorted: the default must be the most that is valid.
    if (type.valid_cores.back() != type.cores)
        return fmt::format("has valid_cores that do not end with its {} cores", type.cores);
    if (type.valid_threads_per_core.back() != type.threads_per_core)
        return fmt::format("has valid_threads_per_core that do not end with its {}", type.threads_per_core);
    return {};
}

Fault speed_fault(const InstanceType& type) {
    if (type.network_baseline_gbps > type.network_peak_gbps)
        return "has network_baseline_gbps above network_peak_gbps";
    if (type.has_instance_store() != (type.instance_disk_gb > 0))
        return "needs both or none of instance_disks, instance_disk_gb";
    bool stated = type.states_ebs_speed();
    if ((type.ebs_baseline_iops > 0) != stated || (type.ebs_maximum_mbps > 0) != stated ||
        (type.ebs_maximum_iops > 0) != stated)
        return "needs all or none of ebs_baseline_mbps, ebs_baseline_iops, ebs_maximum_mbps, "
               "ebs_maximum_iops";
    if (type.ebs_baseline_mbps > type.ebs_maximum_mbps) return "has ebs_baseline_mbps above ebs_maximum_mbps";
    if (type.ebs_baseline_iops > type.ebs_maximum_iops) return "has ebs_baseline_iops above ebs_maximum_iops";
    return {};
}

Result<InstanceType> make_type(const Entry& defaults, const std::string& family, const Entry& common,
                               const std::string& size, const Entry& row) {
    InstanceType type;
    type.family = family;
    type.name = family + "." + size;
    for (const auto* entry : {&defaults, &common, &row}) apply(type, *entry);
    complete(type);
    Fault fault = compute_fault(type);
    if (!fault) fault = speed_fault(type);
    if (fault) return fail(ErrorCode::invalid_input, fmt::format("{}: {} {}", row.place, type.name, *fault));
    return type;
}

Status add_family(std::vector<InstanceType>& types, const Entry& defaults, const std::string& name,
                  const Family& family) {
    if (family.sizes.empty())
        return fail(ErrorCode::invalid_input,
                    fmt::format("{}: families.{} has no sizes", family.common.place, name));
    for (const auto& [size, row] : family.sizes) {
        LODGE_TRY(auto type, make_type(defaults, name, family.common, size, row));
        types.push_back(std::move(type));
    }
    return {};
}

}  // namespace

Result<Catalogue> Catalogue::load(const std::filesystem::path& builtin,
                                  const std::vector<std::filesystem::path>& extra) {
    LODGE_TRY(auto all, read_type_file(builtin));
    for (const auto& path : extra) {
        LODGE_TRY(auto file, read_type_file(path));
        merge(all, file);
    }
    Catalogue made;
    for (const auto& [name, family] : all.families)
        LODGE_CHECK(add_family(made.types_, all.defaults, name, family));
    std::sort(made.types_.begin(), made.types_.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return made;
}

const InstanceType* Catalogue::find(std::string_view name) const {
    auto less = [](const InstanceType& type, std::string_view wanted) { return type.name < wanted; };
    auto found = std::lower_bound(types_.begin(), types_.end(), name, less);
    return found != types_.end() && found->name == name ? &*found : nullptr;
}

}  // namespace lodge::catalogue
