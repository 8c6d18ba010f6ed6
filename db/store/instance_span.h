#pragma once

#include <string>

#include "proto/base/ids.h"

namespace lodge::db::instances {

// A place in the order (reservation, ID) of an account's instances in a region.
struct Position {
    std::string reservation_id;
    std::string instance_id;
};

// A run of instances in that order, both ends among them: what the rows of a page's interfaces, addresses and
// tags are looked up by, in one query a page.
struct Span {
    AccountId account_id;
    std::string region;
    Position first;
    Position last;
};

}  // namespace lodge::db::instances
