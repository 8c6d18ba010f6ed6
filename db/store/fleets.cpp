#include "db/store/fleets.h"

#include "db/store/records.h"

namespace lodge::db::fleets {
namespace {

const Records<Fleet>& fleets() {
    static const Records<Fleet> records(
        "fleets",
        {field("id", &Fleet::id), field("account_id", &Fleet::account_id), field("region", &Fleet::region),
         field("client_token", &Fleet::client_token), field("request", &Fleet::request),
         field("created_ms", &Fleet::created_ms), field("deleted_ms", &Fleet::deleted_ms)});
    return records;
}

const Records<FleetLaunchResult>& launches() {
    static const Records<FleetLaunchResult> records(
        "fleet_launches",
        {field("fleet_id", &FleetLaunchResult::fleet_id), field("position", &FleetLaunchResult::position),
         field("config", &FleetLaunchResult::config), field("choice", &FleetLaunchResult::choice),
         field("instance_type", &FleetLaunchResult::instance_type),
         field("error_code", &FleetLaunchResult::error_code),
         field("error_message", &FleetLaunchResult::error_message)},
        2);
    return records;
}

const Records<FleetInstance>& instances() {
    static const Records<FleetInstance> records(
        "fleet_instances",
        {field("fleet_id", &FleetInstance::fleet_id), field("instance_id", &FleetInstance::instance_id),
         field("position", &FleetInstance::position)},
        2);
    return records;
}

}  // namespace

void insert(Session& session, const Fleet& record) {
    fleets().insert(session, record);
}

void update(Session& session, const Fleet& record) {
    fleets().update(session, record);
}

std::optional<Fleet> find(Session& session, const AccountId& account_id, std::string_view region,
                          std::string_view id) {
    return fleets().find(session, account_id, region, id);
}

void erase_deleted(Session& session, UnixMs before_ms) {
    for (const auto& fleet : fleets().all(session, "deleted_ms > 0 AND deleted_ms < ?", {before_ms})) {
        launches().erase(session, "fleet_id = ?", {fleet.id.str()});
        instances().erase(session, "fleet_id = ?", {fleet.id.str()});
        session.execute("DELETE FROM tags WHERE resource_id = ?", {fleet.id.str()});
        fleets().erase_id(session, fleet.id.str());
    }
}

void insert_launch(Session& session, const FleetLaunchResult& record) {
    launches().insert(session, record);
}

std::vector<FleetLaunchResult> launches_of(Session& session, const FleetId& id) {
    return launches().all(session, "fleet_id = ? ORDER BY position", {id.str()});
}

void insert_instance(Session& session, const FleetInstance& record) {
    instances().insert(session, record);
}

std::vector<FleetInstance> instances_of(Session& session, const FleetId& id) {
    return instances().all(session, "fleet_id = ? ORDER BY position, instance_id", {id.str()});
}

}  // namespace lodge::db::fleets
