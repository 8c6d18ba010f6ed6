// A type of the catalogue in the shape that DescribeInstanceTypes answers. Pure function; any thread.
#pragma once

#include "api/catalogue/instance_type.h"
#include "proto/ec2/instance_types.h"

namespace lodge::api {

// Facts that the catalogue does not state stay unset. The type is taken to be on offer in the caller's
// region.
ec2::InstanceTypeInfo to_ec2(const catalogue::InstanceType& type);

}  // namespace lodge::api
