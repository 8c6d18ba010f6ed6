// What an OVSDB server answered to a transaction (RFC 7047, section 4.1.3). Pure; any reply.
#pragma once

#include <nlohmann/json.hpp>

#include "proto/base/result.h"

namespace lodge::ovsdb {

// The results of `operations` operations: an array of as many objects at least, in their order. Errors, the
// first one among the results being the whole transaction's: conflict for a failed wait, internal_error with
// the server's words or for a reply that is none.
Result<nlohmann::json> results_of(const nlohmann::json& reply, std::size_t operations);

}  // namespace lodge::ovsdb
