#include "db/store/placement_groups.h"

#include "db/store/records.h"

namespace lodge::db::placement_groups {
namespace {

const Records<PlacementGroup>& groups() {
    static const Records<PlacementGroup> records(
        "placement_groups",
        {field("id", &PlacementGroup::id), field("account_id", &PlacementGroup::account_id),
         field("region", &PlacementGroup::region), field("name", &PlacementGroup::name),
         field("strategy", &PlacementGroup::strategy),
         field("partition_count", &PlacementGroup::partition_count),
         field("spread_level", &PlacementGroup::spread_level),
         field("created_ms", &PlacementGroup::created_ms)});
    return records;
}

}  // namespace

void insert(Session& session, const PlacementGroup& record) {
    groups().insert(session, record);
}

void erase(Session& session, const PlacementGroupId& id) {
    groups().erase_id(session, id.str());
}

std::optional<PlacementGroup> find(Session& session, const AccountId& account_id, std::string_view region,
                                   std::string_view id) {
    return groups().find(session, account_id, region, id);
}

std::optional<PlacementGroup> find_by_name(Session& session, const AccountId& account_id,
                                           std::string_view region, std::string_view name) {
    return groups().one(session, "account_id = ? AND region = ? AND name = ?", {account_id, region, name});
}

std::optional<PlacementGroup> find_any(Session& session, std::string_view id) {
    return groups().find_any(session, id);
}

std::vector<PlacementGroup> list(Session& session, const AccountId& account_id, std::string_view region,
                                 std::string_view after, std::int64_t limit) {
    return groups().list(session, account_id, region, after, limit);
}

std::int64_t count(Session& session, const AccountId& account_id, std::string_view region) {
    std::int64_t total = 0;
    session.query("SELECT COUNT(*) FROM placement_groups WHERE account_id = ? AND region = ?",
                  {account_id, region}, [&](const Row& row) { total = row.integer(0); });
    return total;
}

}  // namespace lodge::db::placement_groups
