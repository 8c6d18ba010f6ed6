// Choosing instance types by what they have to have ("attribute-based instance type selection").
#pragma once

#include "api/catalogue/instance_type.h"
#include "proto/ec2/instance_types.h"

namespace lodge::api {

// Refuses ranges that hold nothing, and types both allowed and excluded.
Status check_requirements(const ec2::TypeRequirements& requirements);

// Whether the type has it all. What is not asked for counts as EC2 has it: no burstable types, no bare metal.
bool meets(const catalogue::InstanceType& type, const ec2::TypeRequirements& requirements);

}  // namespace lodge::api
