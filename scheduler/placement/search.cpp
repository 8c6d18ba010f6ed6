#include "scheduler/placement/search.h"

#include <algorithm>
#include <functional>

namespace lodge::scheduler {

std::uint64_t start_of(std::uint64_t seed) {
    std::uint64_t mixed = seed + 0x9e3779b97f4a7c15U;  // splitmix64
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31);
}

bool HostRule::bars(const HostId& id) const {
    if (!has_disk_room(disk_room, id, 1)) return true;
    if (held == nullptr) return false;
    const auto found = held->find(id);
    return found != held->end() && found->second != own;
}

bool has_disk_room(const DiskRoom& room, const HostId& id, std::int64_t instances) {
    if (room == nullptr) return true;
    const auto found = room->find(id);
    return found == room->end() || found->second >= instances;
}

Search::Search(const Partition& partition, const Demand& demand, Strategy strategy, std::uint64_t seed,
               HostRule rule)
    : demand_(demand),
      strategy_(strategy),
      rule_(std::move(rule)),
      first_(rule_.first.begin(), rule_.first.end()),
      start_(start_of(seed)) {
    const auto& shapes = partition.free_hosts.shapes();
    unseen_.reserve(shapes.size());
    heap_.reserve(32);
    looked_.reserve(12);
    for (const auto& [shape, levels] : shapes) {
        const auto roomy = std::span(levels).subspan(first_level(levels, demand.vcpus));
        if (roomy.empty() || shape.memory_mib() < demand.memory_mib) continue;
        unseen_.push_back({&shape, roomy});
        push(unseen_bound(static_cast<std::uint32_t>(unseen_.size() - 1)));
    }
    for (const IndexedHost* host : rule_.first) {
        taken_.push_back({host, 0, host->capacity.free_vcpus, host->capacity.free_memory_mib});
        push_taken(static_cast<std::uint32_t>(taken_.size() - 1));
    }
}

const IndexedHost* Search::next() {
    while (!heap_.empty()) {
        const Entry best = pop();
        switch (best.kind) {
            case Entry::Kind::unseen:
                look_at_levels(best.index);
                break;
            case Entry::Kind::looked:
                open_best(best.index);
                break;
            case Entry::Kind::taken:
                return give(best.index);
            case Entry::Kind::opened:
                if (skips(*opened_[best.index].cursor.get()->host)) {
                    opened_[best.index].cursor.next();
                    push_opened(best.index);
                    break;
                }
                take_from(best.index);
                return give(static_cast<std::uint32_t>(taken_.size() - 1));
        }
    }
    return nullptr;
}

std::size_t Search::Looked::best() const {
    return static_cast<std::size_t>(std::min_element(bounds.begin(), bounds.end()) - bounds.begin());
}

bool Search::Entry::operator>(const Entry& other) const {
    if (instances != other.instances) return instances > other.instances;
    if (cost != other.cost) return cost > other.cost;
    const bool host = kind >= Kind::opened;
    const bool other_host = other.kind >= Kind::opened;
    return host != other_host ? host : ring > other.ring;
}

void Search::push(const Entry& entry) {
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

Search::Entry Search::pop() {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const Entry entry = heap_.back();
    heap_.pop_back();
    return entry;
}

void Search::push_looked(std::uint32_t index) {
    const Looked& looked = looked_[index];
    const std::int64_t bound = looked.bounds[looked.best()];
    if (bound != Looked::nothing) push({0, bound, 0, Entry::Kind::looked, index});
}

void Search::push_opened(std::uint32_t index) {
    const Opened& opened = opened_[index];
    const Spot* spot = opened.cursor.get();
    if (spot == nullptr) return;
    const Leftover left =
        opened.shape->leftover(opened.free_vcpus - demand_.vcpus, spot->free_memory_mib - demand_.memory_mib);
    push({0, cost(strategy_, left), spot->order - start_, Entry::Kind::opened, index});
}

void Search::push_taken(std::uint32_t index) {
    const TakenHost& taken = taken_[index];
    const std::int64_t vcpus = taken.free_vcpus - demand_.vcpus;
    const std::int64_t memory_mib = taken.free_memory_mib - demand_.memory_mib;
    if (vcpus < 0 || memory_mib < 0) return;
    const HostCapacity& host = taken.host->capacity;
    const Leftover left = Shape(host.total_vcpus, host.total_memory_mib).leftover(vcpus, memory_mib);
    const std::int64_t ranked = strategy_ == Strategy::spread ? taken.instances : 0;
    const std::int64_t instances = rule_.together ? -1 : ranked;
    push({instances, cost(strategy_, left), taken.host->order - start_, Entry::Kind::taken, index});
}

const Level& Search::next_unseen(const Unseen& unseen) const {
    return strategy_ == Strategy::best_fit ? unseen.levels.front() : unseen.levels.back();
}

// The next few.
std::span<const Level> Search::take_unseen(Unseen& unseen) {
    const std::size_t all = unseen.levels.size();
    const std::size_t some = std::min(all, Looked::at_once);
    const bool fit = strategy_ == Strategy::best_fit;
    const auto taken = fit ? unseen.levels.first(some) : unseen.levels.last(some);
    unseen.levels = fit ? unseen.levels.last(all - some) : unseen.levels.first(all - some);
    return taken;
}

// The next level's vCPUs, with the best memory that any host of the shape could have.
Search::Entry Search::unseen_bound(std::uint32_t index) const {
    const Unseen& unseen = unseen_[index];
    const bool fit = strategy_ == Strategy::best_fit;
    const std::int64_t memory_mib = fit ? 0 : unseen.shape->memory_mib() - demand_.memory_mib;
    const std::int64_t vcpus = next_unseen(unseen).free_vcpus() - demand_.vcpus;
    return {0, cost(strategy_, unseen.shape->leftover(vcpus, memory_mib)), 0, Entry::Kind::unseen, index};
}

// Looks at levels as long as the next may hold something better than the heap does.
void Search::look_at_levels(std::uint32_t index) {
    Unseen& unseen = unseen_[index];
    do {
        look_at_some(unseen);
        if (unseen.levels.empty()) return;
    } while (heap_.empty() || heap_.front() > unseen_bound(index));
    push(unseen_bound(index));
}

void Search::look_at_some(Unseen& unseen) {
    const std::span<const Level> levels = take_unseen(unseen);
    Looked& looked = looked_.emplace_back(Looked{unseen.shape, levels.data(), {}});
    looked.bounds.fill(Looked::nothing);
    for (std::size_t i = 0; i < levels.size(); ++i) looked.bounds[i] = level_bound(*unseen.shape, levels[i]);
    push_looked(static_cast<std::uint32_t>(looked_.size() - 1));
}

// Less than any host of the level costs, going by the level's buckets of memory.
std::int64_t Search::level_bound(const Shape& shape, const Level& level) const {
    const bool fit = strategy_ == Strategy::best_fit;
    const auto memory_mib =
        fit ? level.memory().floor_from(demand_.memory_mib) : level.memory().ceiling_from(demand_.memory_mib);
    if (!memory_mib) return Looked::nothing;
    const std::int64_t left_mib = std::max<std::int64_t>(*memory_mib - demand_.memory_mib, 0);
    return cost(strategy_, shape.leftover(level.free_vcpus() - demand_.vcpus, left_mib));
}

// Opens the level with the least bound and leaves the others looked at.
void Search::open_best(std::uint32_t index) {
    Looked& looked = looked_[index];
    const std::size_t best = looked.best();
    const Level& level = looked.first[best];
    looked.bounds[best] = Looked::nothing;
    opened_.push_back(
        {looked.shape, level.free_vcpus(), LevelCursor(level, strategy_, demand_.memory_mib, start_)});
    push_looked(index);
    push_opened(static_cast<std::uint32_t>(opened_.size() - 1));
}

// Barred, or in the overlay already.
bool Search::skips(const IndexedHost& host) const {
    return rule_.bars(host.capacity.id) || (!first_.empty() && first_.contains(&host));
}

// Moves the level's current host into the overlay.
void Search::take_from(std::uint32_t index) {
    LevelCursor& cursor = opened_[index].cursor;
    const IndexedHost* host = cursor.get()->host;
    taken_.push_back({host, 0, host->capacity.free_vcpus, host->capacity.free_memory_mib});
    cursor.next();
    push_opened(index);
}

const IndexedHost* Search::give(std::uint32_t index) {
    TakenHost& taken = taken_[index];
    ++taken.instances;
    taken.free_vcpus -= demand_.vcpus;
    taken.free_memory_mib -= demand_.memory_mib;
    const IndexedHost* host = taken.host;
    if (!rule_.once && has_disk_room(rule_.disk_room, host->capacity.id, taken.instances + 1))
        push_taken(index);
    return host;
}

}  // namespace lodge::scheduler
