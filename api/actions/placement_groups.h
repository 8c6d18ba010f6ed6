// Placement groups as launches and changes of instances name them.
#pragma once

#include <optional>
#include <string>

#include "api/pipeline/context.h"
#include "proto/model/instance.h"
#include "proto/model/placement_group.h"

namespace lodge::api {

// What a request says of a group. An empty name is none, as clients in Go send it.
struct GroupWish {
    std::optional<std::string> id;
    std::optional<std::string> name;
    std::optional<std::int64_t> partition;

    bool names_group() const { return id || (name && !name->empty()); }
};

// A group with the partition that is wanted in it (0: any).
struct ChosenGroup {
    PlacementGroup group;
    std::int64_t partition = 0;
};

// Nothing when none is named. Errors: InvalidPlacementGroup.Unknown, InvalidPlacementGroupId.Malformed,
// InvalidParameterCombination for what does not go together, InvalidParameterValue for a partition that is
// not there.
Result<std::optional<ChosenGroup>> choose_group(db::Session& session, const RequestContext& context,
                                                const GroupWish& wish, const catalogue::InstanceType& type);

// Writes the group into the instance's record; `partition` is the one that it is placed in, 0 for none yet.
void put_in_group(Instance& instance, const ChosenGroup& chosen, std::int64_t partition);

}  // namespace lodge::api
