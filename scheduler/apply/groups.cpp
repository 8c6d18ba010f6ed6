#include "scheduler/apply/groups.h"

#include "db/store/instances.h"
#include "db/store/placement_groups.h"

namespace lodge::scheduler {
namespace {

GroupStrategy strategy_of(const PlacementGroup& group) {
    if (group.strategy == "spread") return GroupStrategy::spread;
    if (group.strategy == "partition") return GroupStrategy::partition;
    return GroupStrategy::cluster;
}

}  // namespace

GroupRule rule_of(db::Session& session, const PlacementGroup& group, std::int64_t partition) {
    GroupRule rule{strategy_of(group), group.partition_count, partition, {}};
    for (const auto& member : db::instances::holding_in_group(session, group.id.str()))
        rule.holders.push_back({member.host_id, member.partition_number});
    return rule;
}

std::optional<GroupRule> rule_for(db::Session& session, const Instance& instance) {
    if (instance.placement_group_id.empty()) return std::nullopt;
    auto group = db::placement_groups::find_any(session, instance.placement_group_id);
    if (!group) return std::nullopt;
    return rule_of(session, *group, instance.partition_number);
}

}  // namespace lodge::scheduler
