// The transaction that makes a scope's rows what they should be: pure. Rows that are not ours are never
// touched, and neither is what others put into columns that ours share with them (ports of a switch).
#pragma once

#include "scheduler/network/replica.h"
#include "scheduler/network/rows.h"

namespace lodge::network {

// Whose rows these are, and which of their states.
struct Scope {
    std::string id;     // a VPC's, or "cloud"
    std::string owner;  // account
    std::int64_t revision = 0;
};

// Operations of RFC 7047, section 5.2; empty when all is as it should be. A reference to a row that is
// neither wanted nor there yet is left out.
Json operations(const Replica& replica, const Scope& scope, const Rows& wanted);

}  // namespace lodge::network
