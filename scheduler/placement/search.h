// The best hosts of one partition, one after the other, each as if all before it had been claimed.
//
// Best first: a heap holds hosts, and bounds: "no host of this shape's levels that were not looked at yet can
// be better than this", and, once a level was looked at, "no host of this level can be". A level's hosts are
// read only when its bound comes up; a host that comes up is the answer. Most levels are never looked at.
// Hosts taken go back into the heap with what they have left: they are the overlay, the index is not touched.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "scheduler/placement/capacity_index.h"
#include "scheduler/placement/level_cursor.h"

namespace lodge::scheduler {

// What a host must hold for one instance: at least 1 and at most max_total of each.
struct Demand {
    std::int64_t vcpus;
    std::int64_t memory_mib;
};

// A host that the search returned, and what it has left since.
struct TakenHost {
    const IndexedHost* host;
    std::int64_t instances;
    std::int64_t free_vcpus;
    std::int64_t free_memory_mib;
};

// How many instances' disks the hosts have room for; those that are not in it, or all without it, for any
// number.
using DiskRoom = std::shared_ptr<const std::unordered_map<HostId, std::int64_t>>;

bool has_disk_room(const DiskRoom& room, const HostId& id, std::int64_t instances);

// What bars single hosts: a placement group, and full disks; by default nothing.
struct HostRule {
    // The hosts of the group, and the partition that each of them holds. May grow while the search runs.
    const std::unordered_map<HostId, std::int64_t>* held = nullptr;
    std::int64_t own = 0;                   // those that hold another partition than this are barred
    bool once = false;                      // no host comes up twice
    bool together = false;                  // hosts given before come up before all others, and so do …
    std::vector<const IndexedHost*> first;  // … these
    DiskRoom disk_room = nullptr;

    bool bars(const HostId& id) const;
};

// Where in Spot::order a seed begins, among hosts of equal cost. The lowest after it, in a ring, wins.
std::uint64_t start_of(std::uint64_t seed);

// Reads the partition, which must outlive it unchanged. For one thread.
class Search {
  public:
    Search(const Partition& partition, const Demand& demand, Strategy strategy, std::uint64_t seed,
           HostRule rule = {});

    // The best host for one more instance: of least cost under the strategy; with spread, only among the
    // hosts taken least often. Null when no host holds one more, and then for good.
    const IndexedHost* next();

    // Every host returned so far, and with no instances those that the rule puts first. Once next() gave
    // null, that is every host that held an instance at all.
    const std::vector<TakenHost>& taken() const { return taken_; }

  private:
    // The levels of one shape that were not looked at yet, ascending. best_fit goes on at the front, spread
    // at the back.
    struct Unseen {
        const Shape* shape;
        std::span<const Level> levels;
    };
    // Levels beside each other that were looked at, with their bounds. The heap knows the least only: to look
    // is much cheaper than to push.
    struct Looked {
        static constexpr std::size_t at_once = 8;
        static constexpr std::int64_t nothing = std::numeric_limits<std::int64_t>::max();
        const Shape* shape;
        const Level* first;
        std::array<std::int64_t, at_once> bounds;  // costs; nothing: no such level, nothing fits, or opened
        std::size_t best() const;
    };
    // A level whose hosts are being read.
    struct Opened {
        const Shape* shape;
        std::int64_t free_vcpus;
        LevelCursor cursor;
    };
    // What the heap holds, in the order it comes up: fewest instances, least cost, bounds before hosts, ring.
    struct Entry {
        enum class Kind : std::uint8_t { unseen, looked, opened, taken };
        std::int64_t instances;
        std::int64_t cost;
        std::uint64_t ring;
        Kind kind;
        std::uint32_t index;  // into the vector of that kind
        bool operator>(const Entry& other) const;
    };

    void push(const Entry& entry);
    Entry pop();
    void push_looked(std::uint32_t index);
    void push_opened(std::uint32_t index);
    void push_taken(std::uint32_t index);

    Entry unseen_bound(std::uint32_t index) const;
    const Level& next_unseen(const Unseen& unseen) const;
    std::span<const Level> take_unseen(Unseen& unseen);
    void look_at_levels(std::uint32_t index);
    void look_at_some(Unseen& unseen);
    std::int64_t level_bound(const Shape& shape, const Level& level) const;
    void open_best(std::uint32_t index);
    void take_from(std::uint32_t index);
    bool skips(const IndexedHost& host) const;
    const IndexedHost* give(std::uint32_t index);

    Demand demand_;
    Strategy strategy_;
    HostRule rule_;
    std::unordered_set<const IndexedHost*> first_;
    std::uint64_t start_;
    std::vector<Entry> heap_;
    std::vector<Unseen> unseen_;
    std::vector<Looked> looked_;
    std::vector<Opened> opened_;
    std::vector<TakenHost> taken_;
};

}  // namespace lodge::scheduler
