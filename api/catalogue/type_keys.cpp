#include "api/catalogue/type_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>

namespace lodge::catalogue {
namespace {

using Made = tl::expected<Setting, std::string>;
using Maker = std::function<Made(const Value&)>;
using Words = std::vector<std::string_view>;
using Type = InstanceType;

constexpr std::size_t longest_text = 64;
constexpr std::int64_t highest_count = 1024;
constexpr std::int64_t lowest_memory_mib = 128;
constexpr std::int64_t highest_memory_mib = std::int64_t{64} << 20;  // 64 TiB
constexpr std::int64_t highest_rate = 100'000'000;                   // Mbit/s, operations a second
constexpr double highest_gbps = 100'000;
constexpr std::int64_t most_instance_disks = 24;  // "ephemeral0" to "ephemeral23"
constexpr std::int64_t highest_disk_gb = 100'000;

tl::unexpected<std::string> fault(std::string why) {
    return tl::unexpected<std::string>(std::move(why));
}

template <class Member, class T>
Setting put(Member member, T value) {
    return [member, value = std::move(value)](Type& type) { type.*member = value; };
}

bool one_of(const Words& allowed, const std::string& word) {
    return std::find(allowed.begin(), allowed.end(), word) != allowed.end();
}

Maker flag(bool Type::*member) {
    return [member](const Value& value) -> Made {
        const auto* given = std::get_if<bool>(&value);
        if (!given) return fault("must be true or false");
        return put(member, *given);
    };
}

Maker whole(std::int64_t Type::*member, std::int64_t low, std::int64_t high) {
    return [=](const Value& value) -> Made {
        const auto* given = std::get_if<std::int64_t>(&value);
        if (!given || *given < low || *given > high)
            return fault(fmt::format("must be a whole number from {} to {}", low, high));
        return put(member, *given);
    };
}

Maker real(double Type::*member, double high) {
    return [=](const Value& value) -> Made {
        double given = -1;
        if (const auto* number = std::get_if<double>(&value)) given = *number;
        if (const auto* number = std::get_if<std::int64_t>(&value)) given = static_cast<double>(*number);
        if (!(given >= 0 && given <= high)) return fault(fmt::format("must be a number from 0 to {}", high));
        return put(member, given);
    };
}

bool printable(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

Maker text(std::string Type::*member) {
    return [member](const Value& value) -> Made {
        const auto* given = std::get_if<std::string>(&value);
        if (!given || given->empty() || given->size() > longest_text || !printable(*given))
            return fault(fmt::format("must be a text of 1 to {} printable ASCII characters", longest_text));
        return put(member, *given);
    };
}

Maker word(std::string Type::*member, Words allowed) {
    return [member, allowed = std::move(allowed)](const Value& value) -> Made {
        const auto* given = std::get_if<std::string>(&value);
        if (!given || !one_of(allowed, *given))
            return fault(fmt::format("must be one of \"{}\"", fmt::join(allowed, "\", \"")));
        return put(member, *given);
    };
}

template <class T>
bool repeats(const std::vector<T>& list) {
    return std::set<T>(list.begin(), list.end()).size() != list.size();
}

Maker words(std::vector<std::string> Type::*member, Words allowed) {
    return [member, allowed = std::move(allowed)](const Value& value) -> Made {
        const auto* given = std::get_if<std::vector<std::string>>(&value);
        auto known = [&](const std::string& item) { return one_of(allowed, item); };
        if (!given || given->empty() || repeats(*given) || !std::all_of(given->begin(), given->end(), known))
            return fault(
                fmt::format("must be a list, without repeats, of \"{}\"", fmt::join(allowed, "\", \"")));
        return put(member, *given);
    };
}

Maker wholes(std::vector<std::int64_t> Type::*member) {
    return [member](const Value& value) -> Made {
        const auto* given = std::get_if<std::vector<std::int64_t>>(&value);
        auto fits = [](std::int64_t item) { return item >= 1 && item <= highest_count; };
        if (!given || given->empty() || repeats(*given) || !std::all_of(given->begin(), given->end(), fits))
            return fault(
                fmt::format("must be a list, without repeats, of numbers from 1 to {}", highest_count));
        auto sorted = *given;
        std::sort(sorted.begin(), sorted.end());
        return put(member, std::move(sorted));
    };
}

const Words support = {"unsupported", "supported"};
const Words need = {"unsupported", "supported", "required"};

std::map<std::string_view, Maker> make_keys() {
    return {
        {"vcpus", whole(&Type::vcpus, 1, highest_count)},
        {"threads_per_core", whole(&Type::threads_per_core, 1, 8)},
        {"valid_cores", wholes(&Type::valid_cores)},
        {"valid_threads_per_core", wholes(&Type::valid_threads_per_core)},
        {"memory_mib", whole(&Type::memory_mib, lowest_memory_mib, highest_memory_mib)},
        {"architectures", words(&Type::architectures, {"i386", "x86_64", "arm64"})},
        {"manufacturer", text(&Type::manufacturer)},
        {"clock_ghz", real(&Type::clock_ghz, 100)},
        {"burstable", flag(&Type::burstable)},

        {"current_generation", flag(&Type::current_generation)},
        {"free_tier", flag(&Type::free_tier)},
        {"bare_metal", flag(&Type::bare_metal)},
        {"hibernation", flag(&Type::hibernation)},
        {"dedicated_hosts", flag(&Type::dedicated_hosts)},
        {"auto_recovery", flag(&Type::auto_recovery)},
        {"hypervisor", word(&Type::hypervisor, {"nitro", "xen"})},
        {"usage_classes", words(&Type::usage_classes, {"on-demand", "spot", "capacity-block"})},
        {"root_device_types", words(&Type::root_device_types, {"ebs", "instance-store"})},
        {"virtualization_types", words(&Type::virtualization_types, {"hvm", "paravirtual"})},
        {"boot_modes", words(&Type::boot_modes, {"legacy-bios", "uefi"})},
        {"placement_strategies", words(&Type::placement_strategies, {"cluster", "partition", "spread"})},
        {"nitro_enclaves", word(&Type::nitro_enclaves, support)},
        {"nitro_tpm", word(&Type::nitro_tpm, support)},
        {"processor_health_checks", word(&Type::processor_health_checks, support)},
        {"reboot_migration", word(&Type::reboot_migration, support)},

        {"network_performance", text(&Type::network_performance)},
        {"network_baseline_gbps", real(&Type::network_baseline_gbps, highest_gbps)},
        {"network_peak_gbps", real(&Type::network_peak_gbps, highest_gbps)},
        {"max_enis", whole(&Type::max_enis, 1, highest_count)},
        {"ipv4_per_eni", whole(&Type::ipv4_per_eni, 1, highest_count)},
        {"ipv6_per_eni", whole(&Type::ipv6_per_eni, 1, highest_count)},
        {"ipv6", flag(&Type::ipv6)},
        {"ena", word(&Type::ena, need)},
        {"ena_express", flag(&Type::ena_express)},
        {"flexible_ena_queues", word(&Type::flexible_ena_queues, support)},
        {"encryption_in_transit", flag(&Type::encryption_in_transit)},

        {"ebs_optimized", word(&Type::ebs_optimized, {"unsupported", "supported", "default"})},
        {"ebs_encryption", word(&Type::ebs_encryption, support)},
        {"ebs_nvme", word(&Type::ebs_nvme, need)},
        {"ebs_baseline_mbps", whole(&Type::ebs_baseline_mbps, 1, highest_rate)},
        {"ebs_baseline_iops", whole(&Type::ebs_baseline_iops, 1, highest_rate)},
        {"ebs_maximum_mbps", whole(&Type::ebs_maximum_mbps, 1, highest_rate)},
        {"ebs_maximum_iops", whole(&Type::ebs_maximum_iops, 1, highest_rate)},
        {"instance_disks", whole(&Type::instance_disks, 1, most_instance_disks)},
        {"instance_disk_gb", whole(&Type::instance_disk_gb, 1, highest_disk_gb)},
        {"max_volumes", whole(&Type::max_volumes, 1, highest_count)},
    };
}

}  // namespace

tl::expected<Setting, std::string> make_setting(std::string_view key, const Value& value) {
    static const std::map<std::string_view, Maker> keys = make_keys();
    auto found = keys.find(key);
    if (found == keys.end()) return fault("is not a key of the catalogue");
    return found->second(value);
}

}  // namespace lodge::catalogue
