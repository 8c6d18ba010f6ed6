// A set of small numbers, as bits: in which parts of a shape's memory the hosts of a level have their free
// memory. It tells what memory a level has, nearly, without a walk down the level's tree. Not locked.
//
// A bucket is a power of two of MiB wide, at most a 256th of the shape. Instance types come in such sizes
// too: what just misses one is then a bucket below it, and the level is left alone.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include "scheduler/placement/score.h"

namespace lodge::scheduler {

inline constexpr int buckets = 512;

// The width's power of two.
constexpr int bucket_shift(const Shape& shape) {
    return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(shape.memory_mib()) / buckets));
}

// What is negative falls into the first.
constexpr int bucket_of(const Shape& shape, std::int64_t free_memory_mib) {
    return free_memory_mib < 0 ? 0 : static_cast<int>(free_memory_mib >> bucket_shift(shape));
}

class MemoryBuckets {
  public:
    void add(int bucket) { words_[word(bucket)] |= bit(bucket); }
    void remove(int bucket) { words_[word(bucket)] &= ~bit(bucket); }

    // The lowest bucket not below `bucket`.
    std::optional<int> first_from(int bucket) const {
        std::uint64_t bits = words_[word(bucket)] & ~(bit(bucket) - 1);
        for (std::size_t i = word(bucket);;) {
            if (bits != 0) return static_cast<int>(i * 64) + std::countr_zero(bits);
            if (++i == words_.size()) return std::nullopt;
            bits = words_[i];
        }
    }

    // The highest bucket, unless it is below `bucket`.
    std::optional<int> last_from(int bucket) const {
        for (std::size_t i = words_.size(); i-- > 0;) {
            if (words_[i] == 0) continue;
            const int last = static_cast<int>(i * 64) + 63 - std::countl_zero(words_[i]);
            return last < bucket ? std::nullopt : std::optional(last);
        }
        return std::nullopt;
    }

  private:
    static std::size_t word(int bucket) { return static_cast<std::size_t>(bucket) / 64; }
    static std::uint64_t bit(int bucket) { return std::uint64_t{1} << (bucket % 64); }

    std::array<std::uint64_t, buckets / 64> words_{};
};

}  // namespace lodge::scheduler
