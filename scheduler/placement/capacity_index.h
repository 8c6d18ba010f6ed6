// What every host has free, kept so that place() finds the best host without looking at all of them.
//
// Threads: one thread changes it. const methods, place() among them, may run on any number of threads as long
// as no change runs at the same time; the index takes no lock of its own. Failure: methods that return bool
// change nothing when they return false.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proto/base/ids.h"
#include "scheduler/placement/free_hosts.h"

namespace lodge::scheduler {

// Whether a host takes new guests, and if not, why not.
enum class HostCondition : std::uint8_t {
    ok,
    draining,
    low_disk,
    network_down,
    unreachable,
    hypervisor_down
};
inline constexpr std::size_t host_conditions = 6;

// Whether it runs the guests it has, and takes back instances whose root disks it holds.
constexpr bool serves(HostCondition condition) {
    return condition <= HostCondition::network_down;
}

// Totals are after overcommit, 0 to max_total. Free is what claims leave of them; it is negative when a host
// came back smaller than what it already holds.
struct HostCapacity {
    HostId id;
    std::string zone;
    std::string architecture;  // "x86_64"
    HostCondition condition = HostCondition::ok;
    std::int64_t total_vcpus = 0;
    std::int64_t total_memory_mib = 0;
    std::int64_t free_vcpus = 0;
    std::int64_t free_memory_mib = 0;
    // Hosts of a pool take guests of requests that name it and of no others. Empty: the hosts that all share.
    std::string pool = {};

    bool operator==(const HostCapacity&) const = default;
};

// Whether nothing is claimed on it.
constexpr bool is_empty(const HostCapacity& host) {
    return host.free_vcpus == host.total_vcpus && host.free_memory_mib == host.total_memory_mib;
}

// A hash of the ID that is the same on every machine: decides among hosts of equal cost, see Spot.
std::uint64_t order_of(const HostId& id);

struct IndexedHost {
    HostCapacity capacity;
    std::uint64_t order;  // order_of(capacity.id)
};

// The hosts of one zone, architecture and pool.
struct Partition {
    std::string zone;
    std::string architecture;
    std::string pool;
    std::array<std::int64_t, host_conditions> hosts_by_condition{};  // indexed by HostCondition
    std::int64_t free_vcpus = 0;                                     // of `ok` hosts, as the next two
    std::int64_t free_memory_mib = 0;
    FreeHosts free_hosts;

    std::int64_t hosts(HostCondition condition) const {
        return hosts_by_condition[static_cast<std::size_t>(condition)];
    }
    std::int64_t hosts() const;
};

// What names a partition, as strings or as views.
template <class Text>
struct PartitionName {
    Text zone;
    Text architecture;
    Text pool;
};

struct ByName {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const PartitionName<A>& a, const PartitionName<B>& b) const {
        if (const int order = std::string_view(a.zone).compare(b.zone); order != 0) return order < 0;
        if (const int order = std::string_view(a.architecture).compare(b.architecture); order != 0)
            return order < 0;
        return a.pool < b.pool;
    }
};

class CapacityIndex {
  public:
    CapacityIndex() = default;
    CapacityIndex(const CapacityIndex&) = delete;  // partitions point at hosts
    CapacityIndex& operator=(const CapacityIndex&) = delete;
    CapacityIndex(CapacityIndex&&) = default;
    CapacityIndex& operator=(CapacityIndex&&) = default;

    // Adds the host or replaces all that is known of it. Totals outside their range are brought into it, and
    // free above the total counts as the total.
    void put(HostCapacity host);
    // False for a host the index does not have; so for the next four.
    bool remove(const HostId& id);
    bool set_condition(const HostId& id, HostCondition condition);
    bool set_pool(const HostId& id, const std::string& pool);
    // Takes capacity, if the host serves() and has that much free. False for negative amounts.
    bool claim(const HostId& id, std::int64_t vcpus, std::int64_t memory_mib);
    // Gives capacity back, whatever the host's condition. False when more would be free than the host has, or
    // for negative amounts.
    bool release(const HostId& id, std::int64_t vcpus, std::int64_t memory_mib);

    // Null for a host the index does not have. Valid until that host is changed or removed.
    const HostCapacity* find(const HostId& id) const;
    // The same, as searches hold it.
    const IndexedHost* entry(const HostId& id) const;
    std::int64_t size() const { return static_cast<std::int64_t>(hosts_.size()); }

    // A host of no pool that takes new guests, holds nothing and is large enough: of those one with the
    // smallest totals. Cheap while there is one; else it costs a look at every host of the zone that is as
    // large.
    std::optional<HostId> empty_host(std::string_view zone, std::string_view architecture, std::int64_t vcpus,
                                     std::int64_t memory_mib) const;

    // By zone, then architecture, then pool. Only those that have hosts.
    using Partitions = std::map<PartitionName<std::string>, Partition, ByName>;
    const Partitions& partitions() const { return partitions_; }
    // Null when there is no such host. Valid until the next change.
    const Partition* partition(std::string_view zone, std::string_view architecture,
                               std::string_view pool = {}) const;

  private:
    IndexedHost* find_entry(const HostId& id);
    void enter(const IndexedHost& host);
    void leave(const IndexedHost& host);

    std::unordered_map<HostId, IndexedHost> hosts_;  // nodes stay where they are
    Partitions partitions_;
};

}  // namespace lodge::scheduler
