#pragma once

#include <string>

namespace lodge::db {

// The SQL of holds_claim() in proto/model/guest.h.
inline const std::string holds_claim_sql = "observed NOT IN ('gone', 'failed', 'removed')";

}  // namespace lodge::db
