// How good a host is for an instance, in whole numbers, so that every machine and compiler agrees. Pure; any
// thread.
//
// Take what would be left of the host, as a share of the host's own totals: v of its vCPUs, m of its memory.
//   best_fit minimises  2v + 2m + |v - m|   little left over, and what is left in the host's own proportion:
//                                           memory without vCPUs, or the reverse, is stranded;
//   spread   maximises  2v + 2m - |v - m|   much left over, of both.
// Either is strictly monotone in v for a fixed m and in m for a fixed v. The index depends on it.
//
// Totals are rounded up to six significant bits (at most 3.2 %) before anything is divided by them. Hosts of
// one model then have one shape, though their kernels report a few MiB more or less, and the index holds one
// structure a shape.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <cstdlib>

namespace lodge::scheduler {

enum class Strategy { best_fit, spread };

// A whole host as a share of itself.
inline constexpr std::int64_t whole = std::int64_t{1} << 40;

// The largest total the shares below are exact for; a mebibyte count beyond it is an exbibyte.
inline constexpr std::int64_t max_total = std::int64_t{1} << 38;

// What is left of a host, in parts of `whole`.
struct Leftover {
    std::int64_t vcpus;
    std::int64_t memory;
};

// `total`, 0 to max_total, rounded up to six significant bits. At least 1.
constexpr std::int64_t nominal(std::int64_t total) {
    constexpr int kept_bits = 6;
    if (total <= (1 << kept_bits)) return total > 0 ? total : 1;
    const int dropped_bits =
        static_cast<int>(std::bit_width(static_cast<std::uint64_t>(total - 1))) - kept_bits;
    const std::int64_t step = std::int64_t{1} << dropped_bits;
    return (total + step - 1) / step * step;
}

// What hosts have in common whose shares compare by amount alone: their rounded totals.
class Shape {
  public:
    // Of a host's totals, 0 to max_total each.
    constexpr Shape(std::int64_t total_vcpus, std::int64_t total_memory_mib)
        : vcpus_(nominal(total_vcpus)),
          memory_mib_(nominal(total_memory_mib)),
          share_of_vcpu_(whole / vcpus_),
          share_of_mib_(whole / memory_mib_) {}

    constexpr std::int64_t vcpus() const { return vcpus_; }
    constexpr std::int64_t memory_mib() const { return memory_mib_; }

    // Of amounts between none and the totals.
    constexpr Leftover leftover(std::int64_t free_vcpus, std::int64_t free_memory_mib) const {
        return {free_vcpus * share_of_vcpu_, free_memory_mib * share_of_mib_};
    }
    auto operator<=>(const Shape&) const = default;

  private:
    std::int64_t vcpus_;
    std::int64_t memory_mib_;
    std::int64_t share_of_vcpu_;  // kept because the search asks often, and divisions are slow
    std::int64_t share_of_mib_;
};

// The smaller, the better; 0 to 5 * whole.
inline std::int64_t cost(Strategy strategy, const Leftover& left) {
    const std::int64_t sum = 2 * (left.vcpus + left.memory);
    const std::int64_t skew = std::abs(left.vcpus - left.memory);
    return strategy == Strategy::best_fit ? sum + skew : 4 * whole - sum + skew;
}

}  // namespace lodge::scheduler
