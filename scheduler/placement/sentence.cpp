// NoCapacity in words.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "scheduler/placement/no_capacity.h"

namespace lodge::scheduler {
namespace {

// Why so many hosts are out, as said of one and of several.
struct Reason {
    std::int64_t hosts;
    std::string_view one;
    std::string_view several;

    std::string_view words() const { return hosts == 1 ? one : several; }
};

std::vector<Reason> reasons(const NoCapacity& why) {
    std::vector<Reason> all = {
        {why.zone, "is in another zone", "are in another zone"},
        {why.group_zone, "is in another zone than the placement group",
         "are in another zone than the placement group"},
        {why.architecture, "is of another architecture", "are of another architecture"},
        {why.pool, "is not for this tenancy", "are not for this tenancy"},
        {why.dropped(HostCondition::draining), "is draining", "are draining"},
        {why.dropped(HostCondition::low_disk), "is short of disk space", "are short of disk space"},
        {why.dropped(HostCondition::network_down), "has no working network", "have no working network"},
        {why.dropped(HostCondition::unreachable), "is unreachable", "are unreachable"},
        {why.dropped(HostCondition::hypervisor_down), "has no working hypervisor",
         "have no working hypervisor"},
        {why.group_hosts, "has an instance of the spread placement group",
         "have an instance of the spread placement group"},
        {why.group_partitions, "has another partition of the placement group",
         "have another partition of the placement group"},
        {why.disk_short, "lacks disk space", "lack disk space"},
        {why.memory_short, "lacks memory", "lack memory"},
        {why.vcpus_short, "lacks vCPUs", "lack vCPUs"},
        {why.fitting, "has room", "have room"},
    };
    std::erase_if(all, [](const Reason& reason) { return reason.hosts == 0; });
    return all;
}

std::string wanted(const NoCapacity& why) {
    return fmt::format("{} x ({} vCPU, {} MiB)", why.min_count, why.vcpus, why.memory_mib);
}

std::string free_of(const NearMiss& host) {
    const std::int64_t vcpus = std::max<std::int64_t>(host.free_vcpus, 0);
    const std::int64_t memory_mib = std::max<std::int64_t>(host.free_memory_mib, 0);
    return fmt::format("{} {} and {} MiB free", vcpus, vcpus == 1 ? "vCPU" : "vCPUs", memory_mib);
}

std::string hosts_and_reasons(const NoCapacity& why) {
    const std::vector<Reason> all = reasons(why);
    if (all.empty()) return "no host has joined";
    if (why.considered == 1) return fmt::format("the only host {}", all.front().one);
    if (all.size() == 1) return fmt::format("all {} hosts {}", why.considered, all.front().several);
    std::string text = fmt::format("of {} hosts", why.considered);
    std::string_view comma = " ";
    for (const Reason& reason : all) {
        text += fmt::format("{}{} {}", comma, reason.hosts, reason.words());
        comma = ", ";
    }
    return text;
}

std::string pinned_sentence(const NoCapacity& why) {
    constexpr std::string_view host = "The host that holds the instance's disk";
    if (why.considered == 0) return fmt::format("{} is not there any more.", host);
    if (why.could_place > 0)
        return fmt::format("{} has room for only {} of {}.", host, why.could_place, wanted(why));
    if (why.nearest)
        return fmt::format("{} has {}, too little for {}.", host, free_of(*why.nearest), wanted(why));
    return fmt::format("{} {}.", host, reasons(why).front().one);
}

}  // namespace

std::string sentence(const NoCapacity& why) {
    if (why.pinned) return pinned_sentence(why);
    std::string text =
        why.could_place == 0
            ? fmt::format("There is no host for {}: ", wanted(why))
            : fmt::format("One zone has room for only {} of {}: ", why.could_place, wanted(why));
    text += hosts_and_reasons(why);
    if (why.nearest) {
        const std::string_view when = why.could_place == 0 ? "the nearest has" : "after that the nearest has";
        text += fmt::format("; {} {}", when, free_of(*why.nearest));
    }
    return text + ".";
}

}  // namespace lodge::scheduler
