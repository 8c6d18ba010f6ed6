#include "scheduler/placement/reserved_search.h"

#include <algorithm>

namespace lodge::scheduler {
namespace {

bool is_open(const IndexedHost* host, const Partition& partition) {
    if (host == nullptr) return false;
    const HostCapacity& capacity = host->capacity;
    return capacity.condition == HostCondition::ok && capacity.zone == partition.zone &&
           capacity.architecture == partition.architecture && capacity.pool == partition.pool;
}

bool holds_group(const HostId& id, const Request& request) {
    const auto& holders = request.group->holders;
    return std::any_of(holders.begin(), holders.end(), [&](const auto& holder) { return holder.host == id; });
}

// Cluster groups want hosts that they are on already.
std::vector<Reserved> in_order(const Request& request) {
    auto order = request.reserved;
    if (!request.group || request.group->strategy != GroupStrategy::cluster) return order;
    std::stable_partition(order.begin(), order.end(),
                          [&](const Reserved& room) { return holds_group(room.host, request); });
    return order;
}

}  // namespace

bool group_bars(const HostCapacity& host, const Request& request) {
    if (!request.group || request.group->strategy == GroupStrategy::cluster) return false;
    const GroupRule& group = *request.group;
    const bool once = group.strategy == GroupStrategy::spread;
    return std::any_of(group.holders.begin(), group.holders.end(), [&](const GroupRule::Holder& holder) {
        if (holder.host != host.id) return false;
        return once || (group.partition != 0 && holder.partition != group.partition);
    });
}

std::int64_t partition_on(const CapacityIndex& index, const HostCapacity& host, const Request& request) {
    if (!request.group || request.group->strategy != GroupStrategy::partition) return 0;
    const GroupRule& group = *request.group;
    std::vector<std::int64_t> counts(static_cast<std::size_t>(std::max<std::int64_t>(group.partitions, 1)));
    for (const auto& [id, number] : group.holders) {
        if (id == host.id) return number;
        const HostCapacity* other = index.find(id);
        if (other == nullptr || other->zone != host.zone) continue;
        if (number >= 1 && number <= std::ssize(counts)) ++counts[static_cast<std::size_t>(number - 1)];
    }
    if (group.partition != 0) return group.partition;
    return std::min_element(counts.begin(), counts.end()) - counts.begin() + 1;
}

std::vector<TakenReserved> take_reserved(const CapacityIndex& index, const Partition& partition,
                                         Request& request) {
    std::vector<TakenReserved> taken;
    for (const Reserved& room : in_order(request)) {
        const IndexedHost* host = index.entry(room.host);
        if (!is_open(host, partition) || !has_disk_room(request.disk_room, room.host, 1)) continue;
        for (std::int64_t left = room.instances; left > 0; --left) {
            if (std::ssize(taken) >= request.max_count || group_bars(host->capacity, request)) break;
            const std::int64_t number = partition_on(index, host->capacity, request);
            taken.push_back({room.reservation, host, number});
            if (request.group) request.group->holders.push_back({room.host, number});
        }
    }
    return taken;
}

std::int64_t reserved_in(const CapacityIndex& index, const Partition& partition, const Request& request) {
    std::int64_t sum = 0;
    for (const Reserved& room : request.reserved)
        if (is_open(index.entry(room.host), partition)) sum += std::max<std::int64_t>(room.instances, 0);
    return std::min(sum, request.max_count);
}

}  // namespace lodge::scheduler
