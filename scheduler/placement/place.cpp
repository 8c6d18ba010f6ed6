#include "scheduler/placement/place.h"

#include <algorithm>
#include <set>
#include <utility>

#include "scheduler/placement/group_search.h"
#include "scheduler/placement/reserved_search.h"

namespace lodge::scheduler {
namespace {

Request in_range(Request request) {
    request.vcpus = std::clamp<std::int64_t>(request.vcpus, 1, max_total);
    request.memory_mib = std::clamp<std::int64_t>(request.memory_mib, 1, max_total);
    request.min_count = std::max<std::int64_t>(request.min_count, 1);
    request.max_count = std::max(request.max_count, request.min_count);
    return request;
}

Demand demand_of(const Request& request) {
    return {request.vcpus, request.memory_mib};
}

NoCapacity nothing_yet(const Request& request) {
    NoCapacity why;
    why.vcpus = request.vcpus;
    why.memory_mib = request.memory_mib;
    why.min_count = request.min_count;
    why.max_count = request.max_count;
    why.pinned = request.pinned;
    return why;
}

// Apart from what a group says.
bool zone_wanted(const Request& request, const std::string& zone) {
    if (!request.zone.empty()) return zone == request.zone;
    return std::find(request.zones.begin(), request.zones.end(), zone) != request.zones.end();
}

// How many instances the partition's free capacity would make if it were one host.
std::int64_t room(const Partition& partition, const Demand& demand) {
    return std::min(partition.free_vcpus / demand.vcpus, partition.free_memory_mib / demand.memory_mib);
}

// The partitions the request may use: most reserved room first, then most room, then by zone.
std::vector<const Partition*> candidates(const CapacityIndex& index, const Request& request) {
    std::vector<const Partition*> found;
    const std::string cluster = zone_of_cluster(index, request);
    const auto add = [&](const std::string& zone) {
        if (!cluster.empty() && zone != cluster) return;
        const Partition* partition = index.partition(zone, request.architecture, request.pool);
        if (partition != nullptr) found.push_back(partition);
    };
    if (!request.zone.empty()) {
        add(request.zone);
        return found;
    }
    for (const std::string& zone : std::set(request.zones.begin(), request.zones.end())) add(zone);
    const Demand demand = demand_of(request);
    std::stable_sort(found.begin(), found.end(), [&](const Partition* a, const Partition* b) {
        return std::pair(reserved_in(index, *a, request), room(*a, demand)) >
               std::pair(reserved_in(index, *b, request), room(*b, demand));
    });
    return found;
}

// What one zone can do for the request.
struct Attempt {
    const Partition* partition;
    std::vector<TakenReserved> reserved;
    GroupSearch search;                     // beside what is reserved
    std::vector<GroupSearch::Found> hosts;  // with the reserved ones at most max_count

    std::int64_t instances() const { return std::ssize(reserved) + std::ssize(hosts); }
};

Attempt attempt(const CapacityIndex& index, const Partition& partition, Request request) {
    auto reserved = take_reserved(index, partition, request);
    Attempt made{&partition, std::move(reserved), GroupSearch(index, partition, request), {}};
    while (!request.reserved_only && made.instances() < request.max_count) {
        const auto found = made.search.next();
        if (!found) break;
        made.hosts.push_back(*found);
    }
    return made;
}

bool has_partitions(const Request& request) {
    return request.group && request.group->strategy == GroupStrategy::partition;
}

Plan plan_of(const Attempt& made, const Request& request) {
    Plan plan;
    plan.zone = made.partition->zone;
    for (const auto& [reservation, host, number] : made.reserved) {
        plan.hosts.push_back(host->capacity.id);
        plan.reservations.push_back(reservation);
        if (has_partitions(request)) plan.partitions.push_back(number);
    }
    for (const auto& [host, number] : made.hosts) {
        plan.hosts.push_back(host->capacity.id);
        if (has_partitions(request)) plan.partitions.push_back(number);
    }
    return plan;
}

// Counts every host of the partition that a filter before capacity drops.
void count_dropped(const Partition& partition, const Request& request, const std::string& cluster,
                   NoCapacity& why) {
    why.considered += partition.hosts();
    if (!zone_wanted(request, partition.zone)) {
        why.zone += partition.hosts();
    } else if (!cluster.empty() && partition.zone != cluster) {
        why.group_zone += partition.hosts();
    } else if (partition.architecture != request.architecture) {
        why.architecture += partition.hosts();
    } else if (partition.pool != request.pool) {
        why.pool += partition.hosts();
    } else {
        for (std::size_t i = 0; i < host_conditions; ++i) {
            if (i == static_cast<std::size_t>(HostCondition::ok)) continue;
            why.by_condition[i] += partition.hosts_by_condition[i];
        }
    }
}

bool once_a_host(const Request& request) {
    return request.group && request.group->strategy == GroupStrategy::spread;
}

// By the only two rules that bar single hosts.
void count_barred(const Request& request, std::int64_t hosts, NoCapacity& why) {
    (once_a_host(request) ? why.group_hosts : why.group_partitions) += hosts;
}

NoCapacity explain(const CapacityIndex& index, const Request& request, const std::vector<Attempt>& attempts) {
    NoCapacity why = nothing_yet(request);
    const std::string cluster = zone_of_cluster(index, request);
    for (const auto& [name, partition] : index.partitions()) count_dropped(partition, request, cluster, why);
    for (const Attempt& made : attempts) {
        auto barred = made.search.barred();
        count_barred(request, std::ssize(barred), why);
        barred.insert(barred.end(), made.search.full().begin(), made.search.full().end());
        why.disk_short += std::ssize(made.search.full());
        explain_partition(*made.partition, demand_of(request), made.search.taken(),
                          {barred, once_a_host(request)}, why);
        why.could_place = std::max(why.could_place, made.instances());
    }
    return why;
}

// Counts the pinned host under the first filter that drops it. True when only capacity can.
bool pinned_passes(const CapacityIndex& index, const HostCapacity& host, const Request& request,
                   NoCapacity& why) {
    const std::string cluster = zone_of_cluster(index, request);
    why.considered = 1;
    if (!request.zone.empty() && host.zone != request.zone) {
        why.zone = 1;
    } else if (!cluster.empty() && host.zone != cluster) {
        why.group_zone = 1;
    } else if (host.architecture != request.architecture) {
        why.architecture = 1;
    } else if (host.pool != request.pool) {
        why.pool = 1;
    } else if (!serves(host.condition)) {
        why.by_condition[static_cast<std::size_t>(host.condition)] = 1;
    } else if (group_bars(host, request)) {
        count_barred(request, 1, why);
    } else {
        return true;
    }
    return false;
}

// Whose room on the host the instances take, `most` at most.
std::vector<CapacityReservationId> reserved_on(const HostCapacity& host, const Request& request,
                                               std::int64_t most) {
    std::vector<CapacityReservationId> taken;
    for (const Reserved& room : request.reserved) {
        if (room.host != host.id) continue;
        for (std::int64_t left = room.instances; left > 0 && std::ssize(taken) < most; --left)
            taken.push_back(room.reservation);
    }
    return taken;
}

void explain_pinned(const HostCapacity& host, const Demand& demand, NoCapacity& why) {
    if (why.could_place > 0) {
        why.fitting = 1;
    } else if (host.free_vcpus < demand.vcpus) {
        why.vcpus_short = 1;
    } else {
        why.memory_short = 1;
    }
    offer_nearest(host.id, host.free_vcpus - why.could_place * demand.vcpus,
                  host.free_memory_mib - why.could_place * demand.memory_mib, demand, why);
}

tl::expected<Plan, NoCapacity> place_pinned(const CapacityIndex& index, const Request& request) {
    NoCapacity why = nothing_yet(request);
    const HostCapacity* host = index.find(*request.pinned);
    if (host == nullptr || !pinned_passes(index, *host, request, why)) return tl::unexpected(std::move(why));
    const Demand demand = demand_of(request);
    const std::int64_t most = once_a_host(request) ? 1 : request.max_count;
    const auto reserved = reserved_on(*host, request, most);
    const std::int64_t free = request.reserved_only ? 0
                                                    : std::min(host->free_vcpus / demand.vcpus,
                                                               host->free_memory_mib / demand.memory_mib);
    const std::int64_t instances = std::min(std::ssize(reserved) + std::max<std::int64_t>(free, 0), most);
    if (instances >= request.min_count) {
        const auto size = static_cast<std::size_t>(instances);
        Plan plan{std::vector(size, host->id), host->zone, {}, reserved};
        if (has_partitions(request)) plan.partitions.assign(size, partition_on(index, *host, request));
        return plan;
    }
    why.could_place = instances;
    explain_pinned(*host, demand, why);
    return tl::unexpected(std::move(why));
}

tl::expected<Plan, NoCapacity> place_anywhere(const CapacityIndex& index, const Request& request) {
    std::vector<Attempt> attempts;
    for (const Partition* partition : candidates(index, request)) {
        attempts.push_back(attempt(index, *partition, request));
        // Those after it have less room, and none can hold more.
        if (attempts.back().instances() == request.max_count) return plan_of(attempts.back(), request);
    }
    const auto most =
        std::max_element(attempts.begin(), attempts.end(), [](const Attempt& a, const Attempt& b) {
            return a.instances() < b.instances();  // of equals the first stays
        });
    if (most != attempts.end() && most->instances() >= request.min_count) return plan_of(*most, request);
    return tl::unexpected(explain(index, request, attempts));
}

}  // namespace

tl::expected<Plan, NoCapacity> place(const CapacityIndex& index, const Request& request) {
    const Request wanted = in_range(request);
    return wanted.pinned ? place_pinned(index, wanted) : place_anywhere(index, wanted);
}

}  // namespace lodge::scheduler
