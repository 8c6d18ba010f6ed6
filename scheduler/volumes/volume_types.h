// What types of volumes there are, and how large and fast each may be. Pure; any thread. Source: EBS user
// guide, "Amazon EBS volume types"; EC2 reference, "CreateVolume".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/base/result.h"
#include "proto/model/volume.h"

namespace lodge::volumes {

inline constexpr std::int64_t gib = std::int64_t{1} << 30;

// What of a volume a request names.
struct Wish {
    std::string type;
    std::int64_t size_gib = 0;
    std::optional<std::int64_t> iops;
    std::optional<std::int64_t> throughput;  // MiB a second
};

// With the type's own values where nothing is wished. The errors are EC2's: UnknownVolumeType,
// InvalidParameterValue, InvalidParameterCombination, MissingParameter.
Result<VolumeShape> shape_of(const Wish& wish);

// Whether makers of such a volume say how many it is to have.
bool may_choose_iops(std::string_view type);

VolumeShape present_shape(const Volume& volume);
void put_shape(Volume& volume, const VolumeShape& shape);

// What its guest is held to; 0: nothing.
struct Limits {
    std::int64_t iops = 0;
    std::int64_t bytes_per_s = 0;

    bool operator==(const Limits&) const = default;
};
Limits limits_of(const Volume& volume);

}  // namespace lodge::volumes
