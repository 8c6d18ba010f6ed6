#pragma once

#include <optional>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/fleet.h"

namespace lodge::db::fleets {

void insert(Session& session, const Fleet& record);
void update(Session& session, const Fleet& record);
std::optional<Fleet> find(Session& session, const AccountId& account_id, std::string_view region,
                          std::string_view id);
// Takes those that were deleted before `before_ms`, with what they launched.
void erase_deleted(Session& session, UnixMs before_ms);

void insert_launch(Session& session, const FleetLaunchResult& record);
// In order.
std::vector<FleetLaunchResult> launches_of(Session& session, const FleetId& id);

void insert_instance(Session& session, const FleetInstance& record);
// By launch, then by ID; also those that are not there any more.
std::vector<FleetInstance> instances_of(Session& session, const FleetId& id);

}  // namespace lodge::db::fleets
