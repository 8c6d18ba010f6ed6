// A set of small numbers, as bits: which parts of a shape's memory the hosts of a level have free. It tells
// what memory a level has to within 1/512 of a host without a walk down the level's tree. Not locked.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include "scheduler/placement/score.h"

namespace lodge::scheduler {

// Buckets are 512ths of `whole`.
inline constexpr int bucket_bits = 31;
inline constexpr int buckets = 1 << (40 - bucket_bits);
static_assert(whole == std::int64_t{buckets} << bucket_bits);

// Whose bucket a share of `whole` falls into. What is negative falls into the first, `whole` into the last.
constexpr int bucket_of(std::int64_t share) {
    const std::int64_t bucket = share >> bucket_bits;
    return static_cast<int>(bucket < 0 ? 0 : bucket < buckets ? bucket : buckets - 1);
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
