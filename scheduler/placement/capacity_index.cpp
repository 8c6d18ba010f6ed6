#include "scheduler/placement/capacity_index.h"

#include <algorithm>
#include <numeric>

namespace lodge::scheduler {
namespace {

using NameView = PartitionName<std::string_view>;

HostCapacity in_range(HostCapacity host) {
    host.total_vcpus = std::clamp<std::int64_t>(host.total_vcpus, 0, max_total);
    host.total_memory_mib = std::clamp<std::int64_t>(host.total_memory_mib, 0, max_total);
    host.free_vcpus = std::clamp(host.free_vcpus, -max_total, host.total_vcpus);
    host.free_memory_mib = std::clamp(host.free_memory_mib, -max_total, host.total_memory_mib);
    return host;
}

// Adds the host to what its partition counts, or with sign -1 takes it out.
void count(Partition& partition, const HostCapacity& host, int sign) {
    partition.hosts_by_condition[static_cast<std::size_t>(host.condition)] += sign;
    if (host.condition != HostCondition::ok) return;
    partition.free_vcpus += sign * std::max<std::int64_t>(host.free_vcpus, 0);
    partition.free_memory_mib += sign * std::max<std::int64_t>(host.free_memory_mib, 0);
}

// Those that are empty have most free.
const IndexedHost* empty_in(const Level& level, std::int64_t memory_mib) {
    for (auto bucket = level.buckets().rbegin(); bucket != level.buckets().rend(); ++bucket) {
        for (auto spot = bucket->rbegin(); spot != bucket->rend(); ++spot) {
            if (spot->free_memory_mib < memory_mib) return nullptr;
            if (is_empty(spot->host->capacity)) return spot->host;
        }
    }
    return nullptr;
}

}  // namespace

// FNV-1a, and splitmix64's finish, because IDs may differ in their last digits only.
std::uint64_t order_of(const HostId& id) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : id.str()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9U;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebU;
    return hash ^ (hash >> 31);
}

std::int64_t Partition::hosts() const {
    return std::accumulate(hosts_by_condition.begin(), hosts_by_condition.end(), std::int64_t{0});
}

void CapacityIndex::put(HostCapacity host) {
    remove(host.id);
    const std::uint64_t order = order_of(host.id);
    HostId id = host.id;
    const auto added = hosts_.emplace(std::move(id), IndexedHost{in_range(std::move(host)), order}).first;
    enter(added->second);
}

bool CapacityIndex::remove(const HostId& id) {
    const auto found = hosts_.find(id);
    if (found == hosts_.end()) return false;
    leave(found->second);
    hosts_.erase(found);
    return true;
}

bool CapacityIndex::set_condition(const HostId& id, HostCondition condition) {
    IndexedHost* host = find_entry(id);
    if (host == nullptr) return false;
    if (host->capacity.condition == condition) return true;
    leave(*host);
    host->capacity.condition = condition;
    enter(*host);
    return true;
}

bool CapacityIndex::set_pool(const HostId& id, const std::string& pool) {
    IndexedHost* host = find_entry(id);
    if (host == nullptr) return false;
    if (host->capacity.pool == pool) return true;
    leave(*host);
    host->capacity.pool = pool;
    enter(*host);
    return true;
}

bool CapacityIndex::claim(const HostId& id, std::int64_t vcpus, std::int64_t memory_mib) {
    IndexedHost* host = find_entry(id);
    if (host == nullptr || vcpus < 0 || memory_mib < 0) return false;
    HostCapacity& capacity = host->capacity;
    if (!serves(capacity.condition)) return false;
    if (capacity.free_vcpus < vcpus || capacity.free_memory_mib < memory_mib) return false;
    leave(*host);
    capacity.free_vcpus -= vcpus;
    capacity.free_memory_mib -= memory_mib;
    enter(*host);
    return true;
}

bool CapacityIndex::release(const HostId& id, std::int64_t vcpus, std::int64_t memory_mib) {
    IndexedHost* host = find_entry(id);
    if (host == nullptr || vcpus < 0 || memory_mib < 0) return false;
    HostCapacity& capacity = host->capacity;
    if (vcpus > capacity.total_vcpus - capacity.free_vcpus) return false;
    if (memory_mib > capacity.total_memory_mib - capacity.free_memory_mib) return false;
    leave(*host);
    capacity.free_vcpus += vcpus;
    capacity.free_memory_mib += memory_mib;
    enter(*host);
    return true;
}

const HostCapacity* CapacityIndex::find(const HostId& id) const {
    const IndexedHost* found = entry(id);
    return found == nullptr ? nullptr : &found->capacity;
}

const IndexedHost* CapacityIndex::entry(const HostId& id) const {
    const auto found = hosts_.find(id);
    return found == hosts_.end() ? nullptr : &found->second;
}

const Partition* CapacityIndex::partition(std::string_view zone, std::string_view architecture,
                                          std::string_view pool) const {
    const auto found = partitions_.find(NameView{zone, architecture, pool});
    return found == partitions_.end() ? nullptr : &found->second;
}

std::optional<HostId> CapacityIndex::empty_host(std::string_view zone, std::string_view architecture,
                                                std::int64_t vcpus, std::int64_t memory_mib) const {
    const Partition* shared = partition(zone, architecture);
    if (shared == nullptr) return std::nullopt;
    for (const auto& [shape, levels] : shared->free_hosts.shapes()) {
        for (auto level = levels.rbegin(); level != levels.rend() && level->free_vcpus() >= vcpus; ++level) {
            if (const auto* host = empty_in(*level, memory_mib)) return host->capacity.id;
        }
    }
    return std::nullopt;
}

IndexedHost* CapacityIndex::find_entry(const HostId& id) {
    const auto found = hosts_.find(id);
    return found == hosts_.end() ? nullptr : &found->second;
}

void CapacityIndex::enter(const IndexedHost& host) {
    const HostCapacity& capacity = host.capacity;
    auto found = partitions_.find(NameView{capacity.zone, capacity.architecture, capacity.pool});
    if (found == partitions_.end()) {
        Partition added;
        added.zone = capacity.zone;
        added.architecture = capacity.architecture;
        added.pool = capacity.pool;
        const PartitionName<std::string> name{capacity.zone, capacity.architecture, capacity.pool};
        found = partitions_.emplace(name, std::move(added)).first;
    }
    Partition& partition = found->second;
    count(partition, capacity, +1);
    if (capacity.condition == HostCondition::ok) partition.free_hosts.insert(host);
}

void CapacityIndex::leave(const IndexedHost& host) {
    const HostCapacity& capacity = host.capacity;
    const auto found = partitions_.find(NameView{capacity.zone, capacity.architecture, capacity.pool});
    Partition& partition = found->second;
    if (capacity.condition == HostCondition::ok) partition.free_hosts.erase(host);
    count(partition, capacity, -1);
    if (partition.hosts() == 0) partitions_.erase(found);
}

}  // namespace lodge::scheduler
