// Instances as clients see them.
#pragma once

#include <optional>
#include <vector>

#include "api/pipeline/context.h"
#include "db/store/instances.h"
#include "proto/ec2/instances.h"
#include "proto/model/tag.h"

namespace lodge::api {

struct InstanceRecord {
    Instance instance;
    Guest guest;
    std::vector<Tag> tags;

    InstanceState state() const;
    std::optional<ec2::StateReason> state_reason() const;
};

// With their tags.
InstanceRecord with_tags(db::Session& session, db::instances::WithGuest row);

ec2::InstanceState to_ec2(InstanceState state);
ec2::Instance to_ec2(const InstanceRecord& record);
// Neighbours of one reservation, grouped.
std::vector<ec2::Reservation> group_by_reservation(const std::vector<InstanceRecord>& records);

// The instances of those IDs in their order, or the error for the first bad one (InvalidInstanceID.Malformed,
// .NotFound). Each once.
Result<std::vector<db::instances::WithGuest>> find_instances(db::Session& session,
                                                             const RequestContext& context,
                                                             const std::vector<std::string>& ids);

}  // namespace lodge::api
