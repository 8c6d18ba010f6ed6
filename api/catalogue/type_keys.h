// The keys that an entry of the catalogue may have. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "api/catalogue/instance_type.h"

namespace lodge::catalogue {

// A value as it stands in a file; monostate is one that no key takes, such as a date or a list of lists.
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::int64_t>,
                           std::vector<std::string>>;

// One key's value, checked, waiting to be put into a type. Cannot fail any more.
using Setting = std::function<void(InstanceType&)>;

// The error completes a sentence that begins with the key: "must be true or false".
tl::expected<Setting, std::string> make_setting(std::string_view key, const Value& value);

}  // namespace lodge::catalogue
