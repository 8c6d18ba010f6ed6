// Placement groups as the store has them, for placement. In the transaction that claims, so that what is
// planned by a rule is claimed before the rule can change.
#pragma once

#include <optional>

#include "db/driver/session.h"
#include "proto/model/instance.h"
#include "proto/model/placement_group.h"
#include "scheduler/placement/group.h"

namespace lodge::scheduler {

// For instances that are to join the group, in `partition` (0: in any).
GroupRule rule_of(db::Session& session, const PlacementGroup& group, std::int64_t partition);

// For an instance that is to get a guest again; nothing when it is in no group.
std::optional<GroupRule> rule_for(db::Session& session, const Instance& instance);

}  // namespace lodge::scheduler
