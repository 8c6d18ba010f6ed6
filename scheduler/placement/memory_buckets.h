// Amounts of memory, roughly: which buckets of memory the hosts of a level have their free memory in, as
// bits. With them a level's next better host is found, or found missing, without a walk through memory that
// others have pushed out of the cache. Inline, because the search asks one a level. Not locked.
//
// A bucket is a power of two of MiB wide, and there are at least 256 to a host of 256 MiB or more. Instance
// types come in such sizes too: hosts that just miss one are then in a bucket below it, and cost no look.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace lodge::scheduler {

class MemoryBuckets {
  public:
    // For amounts up to `most_mib`: what is above counts as of the last bucket, what is negative as of the
    // first.
    explicit MemoryBuckets(std::int64_t most_mib)
        : shift_(static_cast<int>(std::bit_width(static_cast<std::uint64_t>(most_mib / size)))) {}

    // Whether the bucket that the amount falls into is there; makes it be there, or not.
    bool has(std::int64_t mib) const {
        const std::size_t bucket = bucket_of(mib);
        return (words_[bucket / 64] & bit(bucket)) != 0;
    }
    void add(std::int64_t mib) {
        const std::size_t bucket = bucket_of(mib);
        words_[bucket / 64] |= bit(bucket);
        filled_ |= 1U << (bucket / 64);
    }
    void remove(std::int64_t mib) {
        const std::size_t bucket = bucket_of(mib);
        words_[bucket / 64] &= ~bit(bucket);
        if (words_[bucket / 64] == 0) filled_ &= ~(1U << (bucket / 64));
    }

    // How many buckets are there below that of the amount.
    std::size_t count_below(std::int64_t mib) const {
        const std::size_t bucket = bucket_of(mib);
        int count = std::popcount(words_[bucket / 64] & (bit(bucket) - 1));
        for (std::size_t i = 0; i < bucket / 64; ++i) count += std::popcount(words_[i]);
        return static_cast<std::size_t>(count);
    }

    // Of the buckets there from that of the amount upwards: where the lowest begins, where the highest ends,
    // in MiB. Nothing if there is none.
    std::optional<std::int64_t> floor_from(std::int64_t mib) const {
        const std::size_t least = bucket_of(mib);
        std::size_t word = least / 64;
        std::uint64_t bits = words_[word] & ~(bit(least) - 1);
        if (bits == 0) {
            const unsigned above = filled_ & (~0U << word << 1);
            if (above == 0) return std::nullopt;
            word = static_cast<std::size_t>(std::countr_zero(above));
            bits = words_[word];
        }
        return (static_cast<std::int64_t>(word * 64) + std::countr_zero(bits)) << shift_;
    }
    std::optional<std::int64_t> ceiling_from(std::int64_t mib) const {
        if (filled_ == 0) return std::nullopt;
        const auto word = static_cast<std::size_t>(31 - std::countl_zero(filled_));
        const std::size_t last = word * 64 + 63 - static_cast<std::size_t>(std::countl_zero(words_[word]));
        if (last < bucket_of(mib)) return std::nullopt;
        return static_cast<std::int64_t>(last + 1) << shift_;
    }

  private:
    static constexpr std::int64_t size = 512;  // measured: more cost more cache than they save walks

    std::size_t bucket_of(std::int64_t mib) const {
        return static_cast<std::size_t>(std::clamp<std::int64_t>(mib >> shift_, 0, size - 1));
    }
    static std::uint64_t bit(std::size_t bucket) { return std::uint64_t{1} << (bucket % 64); }

    std::array<std::uint64_t, size / 64> words_{};
    unsigned filled_ = 0;  // which words are not 0
    int shift_;            // a bucket's width, as a power of two
};

}  // namespace lodge::scheduler
