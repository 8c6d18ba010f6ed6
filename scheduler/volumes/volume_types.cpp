#include "scheduler/volumes/volume_types.h"

#include <algorithm>
#include <array>
#include <string>

namespace lodge::volumes {
namespace {

constexpr std::int64_t mib = std::int64_t{1} << 20;

struct Range {
    std::int64_t low = 0;
    std::int64_t high = 0;
};

struct Type {
    std::string_view name;
    Range size_gib;
    Range iops;                     // that may be asked for; {0, 0}: none may
    std::int64_t default_iops = 0;  // 0: they must be asked for
    std::int64_t iops_per_gib = 0;  // at most
    Range throughput;               // as iops
    std::int64_t default_throughput = 0;
};

constexpr std::array types = {
    Type{"gp3", {1, 65'536}, {3'000, 80'000}, 3'000, 500, {125, 2'000}, 125},
    Type{"gp2", {1, 16'384}, {}, 0, 0, {}, 0},
    Type{"io1", {4, 16'384}, {100, 64'000}, 0, 50, {}, 0},
    Type{"io2", {4, 65'536}, {100, 256'000}, 0, 1'000, {}, 0},
    Type{"st1", {125, 16'384}, {}, 0, 0, {}, 0},
    Type{"sc1", {125, 16'384}, {}, 0, 0, {}, 0},
    Type{"standard", {1, 1'024}, {}, 0, 0, {}, 0},
};

const Type* find(std::string_view name) {
    const auto* found =
        std::find_if(types.begin(), types.end(), [&](const Type& each) { return each.name == name; });
    return found == types.end() ? nullptr : found;
}

bool is_in(std::int64_t value, const Range& range) {
    return value >= range.low && value <= range.high;
}

Error bad_value(std::string text) {
    return make_error(ErrorCode::invalid_parameter_value, {std::move(text)});
}

std::string with_unit(std::int64_t value, std::string_view unit) {
    return std::to_string(value) + std::string(unit);
}

Status check_size(const Type& type, std::int64_t size_gib) {
    const auto& [low, high] = type.size_gib;
    if (size_gib < low)
        return tl::unexpected(bad_value("Volume of " +
                                        with_unit(size_gib, "GiB is too small for volume type ") +
                                        std::string(type.name) + "; minimum is " + with_unit(low, "GiB.")));
    if (size_gib > high)
        return tl::unexpected(bad_value("Volume of " +
                                        with_unit(size_gib, "GiB is too large for volume type ") +
                                        std::string(type.name) + "; maximum is " + with_unit(high, "GiB.")));
    return {};
}

Result<std::int64_t> choose_iops(const Type& type, const Wish& wish) {
    const std::string name(type.name);
    if (!wish.iops) {
        if (type.iops.high > 0 && type.default_iops == 0) return fail(ErrorCode::missing_parameter, "iops");
        // gp2's baseline.
        return type.name == "gp2" ? std::clamp<std::int64_t>(3 * wish.size_gib, 100, 16'000)
                                  : type.default_iops;
    }
    if (type.iops.high == 0)
        return fail(ErrorCode::invalid_parameter_combination,
                    "The parameter iops is not supported for " + name + " volumes.");
    if (!is_in(*wish.iops, type.iops))
        return tl::unexpected(bad_value("Volume iops of " + std::to_string(*wish.iops) + " is not between " +
                                        std::to_string(type.iops.low) + " and " +
                                        std::to_string(type.iops.high) + " for " + name + " volumes."));
    if (*wish.iops > type.default_iops && *wish.iops > type.iops_per_gib * wish.size_gib)
        return tl::unexpected(bad_value("Iops to volume size ratio is too high; maximum is " +
                                        std::to_string(type.iops_per_gib) + "."));
    return *wish.iops;
}

// A MiB a second for every four IOPS, at most.
Result<std::int64_t> choose_throughput(const Type& type, const Wish& wish, std::int64_t iops) {
    if (!wish.throughput) return type.default_throughput;
    if (type.throughput.high == 0)
        return fail(ErrorCode::invalid_parameter_combination,
                    "The parameter throughput is not supported for " + std::string(type.name) + " volumes.");
    if (!is_in(*wish.throughput, type.throughput))
        return tl::unexpected(bad_value("Throughput of " + std::to_string(*wish.throughput) +
                                        " MiB/s is not between " + std::to_string(type.throughput.low) +
                                        " and " + std::to_string(type.throughput.high) + "."));
    if (*wish.throughput * 4 > iops)
        return tl::unexpected(bad_value("Throughput (MiBps) to iops ratio of " +
                                        std::to_string(*wish.throughput) + "/" + std::to_string(iops) +
                                        " is too high; maximum is 0.250000 MiBps per iops."));
    return *wish.throughput;
}

}  // namespace

Result<VolumeShape> shape_of(const Wish& wish) {
    const Type* const type = find(wish.type);
    if (type == nullptr) return fail(ErrorCode::unknown_volume_type, wish.type);
    LODGE_CHECK(check_size(*type, wish.size_gib));
    LODGE_TRY(const auto iops, choose_iops(*type, wish));
    LODGE_TRY(const auto throughput, choose_throughput(*type, wish, iops));
    return VolumeShape{wish.size_gib * gib, wish.type, iops, throughput};
}

bool may_choose_iops(std::string_view name) {
    const Type* const type = find(name);
    return type != nullptr && type->iops.high > 0;
}

VolumeShape present_shape(const Volume& volume) {
    return {volume.size_bytes, volume.type, volume.iops, volume.throughput};
}

void put_shape(Volume& volume, const VolumeShape& shape) {
    volume.size_bytes = shape.size_bytes;
    volume.type = shape.type;
    volume.iops = shape.iops;
    volume.throughput = shape.throughput;
}

// gp2 may burst to 3,000; what a volume saves up for that is not kept count of. Those on magnetic disks are
// held to what they reach for a short time.
Limits limits_of(const Volume& volume) {
    const std::int64_t gibs = (volume.size_bytes + gib - 1) / gib;
    if (volume.type == "gp2") return {std::max<std::int64_t>(volume.iops, 3'000), 250 * mib};
    if (volume.type == "st1") return {0, std::min<std::int64_t>(500, gibs * 250 / 1'024) * mib};
    if (volume.type == "sc1") return {0, std::min<std::int64_t>(250, gibs * 80 / 1'024) * mib};
    return {volume.iops, volume.throughput * mib};
}

}  // namespace lodge::volumes
