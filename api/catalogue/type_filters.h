// The filters of DescribeInstanceTypes: each one's name, and the values that a type has for it.
// Matching (wildcards, AND and OR) is the describe engine's. Pure functions; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/catalogue/instance_type.h"

namespace lodge::catalogue {

// Every filter that EC2 documents for the action, sorted.
std::span<const std::string_view> filter_names();

// The type matches the filter if any of these matches any of the client's values. Empty for a fact that the
// type does not have, such as the size of its local disks, and for a name that is not in filter_names(). A
// whole number of a fraction's kind is there in both spellings, "625" and "625.0".
std::vector<std::string> filter_values(const InstanceType& type, std::string_view filter_name);

}  // namespace lodge::catalogue
