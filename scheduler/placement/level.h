// The hosts of one shape that have the same number of vCPUs free, by their free memory. Not locked.
//
// They lie in buckets of memory, each a tree. Which buckets there are is told by bits, so that a level's next
// better host is found, or found missing, without a walk through memory that others have pushed out of the
// cache. A bucket is a power of two of MiB wide, at least 256 to the shape. Instance types come in such sizes
// too: hosts that just miss one are then in a bucket below it, and cost no look.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "scheduler/placement/score.h"

namespace lodge::scheduler {

struct IndexedHost;

// One host in a level. Ordered by free memory, then by `order`, then by the host's ID.
struct Spot {
    std::int64_t free_memory_mib;
    std::uint64_t order;                // order_of() the host's ID
    const IndexedHost* host = nullptr;  // null sorts before every host: a key to search by

    bool operator<(const Spot& other) const;
};

using Spots = std::set<Spot>;

// Which of 512 numbers are there, as bits.
class Bitmap {
  public:
    static constexpr int size = 512;

    bool has(int number) const { return (words_[word(number)] & bit(number)) != 0; }
    void add(int number) { words_[word(number)] |= bit(number); }
    void remove(int number) { words_[word(number)] &= ~bit(number); }

    // The lowest that is not below `number`.
    std::optional<int> first_from(int number) const;
    // The highest, unless it is below `number`.
    std::optional<int> last_from(int number) const;
    // How many are below `number`.
    std::size_t count_below(int number) const;

  private:
    static std::size_t word(int number) { return static_cast<std::size_t>(number) / 64; }
    static std::uint64_t bit(int number) { return std::uint64_t{1} << (number % 64); }

    std::array<std::uint64_t, size / 64> words_{};
};

class Level {
  public:
    // `shape` must outlive the level.
    Level(const Shape& shape, std::int64_t free_vcpus) : shape_(&shape), free_vcpus_(free_vcpus) {}

    void insert(const Spot& spot);
    void erase(const Spot& spot);  // must be there

    std::int64_t free_vcpus() const { return free_vcpus_; }
    std::int64_t hosts() const { return hosts_; }

    // Bounds what an instance of `memory_mib` would leave of the memory of the hosts here, in parts of
    // `whole`: none leaves less, or for spread none leaves more. Nothing when surely no host has so much
    // free.
    std::optional<std::int64_t> memory_bound(Strategy strategy, std::int64_t memory_mib) const;

    // The trees of the buckets there are, none of them empty, by ascending memory.
    const std::vector<Spots>& buckets() const { return buckets_; }
    // The first of them that may have a host with `memory_mib`, as a position; buckets().size() if none.
    std::size_t first_bucket(std::int64_t memory_mib) const {
        return present_.count_below(bucket_of(memory_mib));
    }
    // Of the hosts with less free than `memory_mib` the one with most; null if none.
    const Spot* nearest_below(std::int64_t memory_mib) const;

  private:
    // What is negative falls into the first.
    int bucket_of(std::int64_t memory_mib) const;

    Bitmap present_;
    const Shape* shape_;
    std::int64_t free_vcpus_;
    std::int64_t hosts_ = 0;
    std::vector<Spots> buckets_;
};

}  // namespace lodge::scheduler
