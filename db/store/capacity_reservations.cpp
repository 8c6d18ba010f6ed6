#include "db/store/capacity_reservations.h"

#include "db/store/holds_claim.h"
#include "db/store/records.h"
#include "db/store/tags.h"

namespace lodge::db::capacity_reservations {
namespace {

using Record = CapacityReservation;

const Records<Record>& table() {
    static const Records<Record> records(
        "capacity_reservations",
        {field("id", &Record::id), field("account_id", &Record::account_id), field("region", &Record::region),
         field("zone", &Record::zone), field("instance_type", &Record::instance_type),
         field("architecture", &Record::architecture), field("platform", &Record::platform),
         field("tenancy", &Record::tenancy), field("vcpus", &Record::vcpus),
         field("memory_mib", &Record::memory_mib), field("instance_count", &Record::instance_count),
         field("match_criteria", &Record::match_criteria), field("state", &Record::state),
         field("created_ms", &Record::created_ms), field("end_ms", &Record::end_ms),
         field("ended_ms", &Record::ended_ms)});
    return records;
}

const Records<ReservedRoom>& room_table() {
    static const Records<ReservedRoom> records(
        "capacity_reservation_rooms",
        {field("reservation_id", &ReservedRoom::reservation_id), field("host_id", &ReservedRoom::host_id),
         field("instances", &ReservedRoom::instances)},
        2);
    return records;
}

}  // namespace

void insert(Session& session, const Record& record) {
    table().insert(session, record);
}

void update(Session& session, const Record& record) {
    table().update(session, record);
}

std::optional<Record> find(Session& session, const AccountId& account_id, std::string_view region,
                           std::string_view id) {
    return table().find(session, account_id, region, id);
}

std::optional<Record> find_any(Session& session, std::string_view id) {
    return table().find_any(session, id);
}

std::vector<Record> list(Session& session, const AccountId& account_id, std::string_view region,
                         std::string_view after, std::int64_t limit) {
    return table().list(session, account_id, region, after, limit);
}

std::vector<Record> active(Session& session, const AccountId& account_id, std::string_view region) {
    return table().all(session, "account_id = ? AND region = ? AND state = 'active' ORDER BY created_ms, id",
                       {account_id, region});
}

std::vector<Record> all_active(Session& session) {
    return table().all(session, "state = 'active' ORDER BY id", {});
}

std::vector<Record> due(Session& session, UnixMs now_ms) {
    return table().all(session, "state = 'active' AND end_ms > 0 AND end_ms <= ? ORDER BY end_ms, id",
                       {now_ms});
}

void erase_ended(Session& session, UnixMs before_ms) {
    for (const auto& record : table().all(session, "ended_ms > 0 AND ended_ms <= ?", {before_ms})) {
        tags::erase_all(session, record.id.str());
        table().erase_id(session, record.id.str());
    }
}

std::vector<ReservedRoom> all_rooms(Session& session) {
    return room_table().all(session, "instances > 0", {});
}

void put_room(Session& session, const ReservedRoom& room) {
    room_table().erase(session, "reservation_id = ? AND host_id = ?",
                       {room.reservation_id.str(), room.host_id.str()});
    if (room.instances > 0) room_table().insert(session, room);
}

void erase_rooms(Session& session, const CapacityReservationId& id) {
    room_table().erase(session, "reservation_id = ?", {id.str()});
}

std::int64_t used(Session& session, const CapacityReservationId& id) {
    std::int64_t count = 0;
    session.query(
        "SELECT COUNT(*) FROM guests WHERE capacity_reservation_id = ? AND capacity_reservation_id <> '' "
        "AND " +
            holds_claim_sql,
        {id.str()}, [&](const Row& row) { count = row.integer(0); });
    return count;
}

Unused unused(Session& session, const AccountId& account_id, std::string_view region) {
    Unused sum;
    session.query(
        "SELECT r.vcpus, r.instance_count - (SELECT COUNT(*) FROM guests g WHERE g.capacity_reservation_id = "
        "r.id "
        "AND g.capacity_reservation_id <> '' AND g." +
            holds_claim_sql +
            ") FROM capacity_reservations r "
            "WHERE r.account_id = ? AND r.region = ? AND r.state = 'active'",
        {account_id, region}, [&](const Row& row) {
            sum.instances += row.integer(1);
            sum.vcpus += row.integer(1) * row.integer(0);
        });
    return sum;
}

}  // namespace lodge::db::capacity_reservations
