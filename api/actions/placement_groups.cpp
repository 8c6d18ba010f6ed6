// CreatePlacementGroup, DeletePlacementGroup, DescribePlacementGroups, ModifyInstancePlacement.
#include "api/actions/placement_groups.h"

#include <algorithm>

#include "api/actions/instance_view.h"
#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "api/actions/tenancy.h"
#include "db/store/placement_groups.h"
#include "proto/ec2/placement_groups.h"

namespace lodge::api {
namespace {

using GroupRecord = Tagged<PlacementGroup>;

constexpr std::int64_t max_groups = 500;  // of an account in a region
constexpr std::int64_t default_partitions = 2;

std::string arn_of(const PlacementGroup& group) {
    return "arn:aws:ec2:" + group.region + ":" + group.account_id + ":placement-group/" + group.name;
}

const describe::FilterTable<GroupRecord>& group_filters() {
    static const describe::FilterTable<GroupRecord> table = {
        filter<GroupRecord>("group-arn", [](const auto& r) { return arn_of(r.value); }),
        filter<GroupRecord>("group-name", [](const auto& r) { return r.value.name; }),
        filter<GroupRecord>("state", [](const auto&) { return "available"; }),
        filter<GroupRecord>("strategy", [](const auto& r) { return r.value.strategy; }),
        {"spread-level",
         [](const GroupRecord& r, describe::Values& out) {
             if (!r.value.spread_level.empty()) out.push_back(r.value.spread_level);
         }},
    };
    return table;
}

ec2::PlacementGroup shown(const GroupRecord& record) {
    const auto& group = record.value;
    ec2::PlacementGroup out;
    out.group_name = group.name;
    out.state = "available";
    out.strategy = group.strategy;
    if (group.partition_count > 0) out.partition_count = group.partition_count;
    out.group_id = group.id.str();
    out.tags = to_ec2(record.tags);
    out.group_arn = arn_of(group);
    if (!group.spread_level.empty()) out.spread_level = group.spread_level;
    return out;
}

Status check_name(const std::optional<std::string>& name) {
    if (!name) return fail(ErrorCode::missing_parameter, "GroupName");
    bool ascii = std::all_of(name->begin(), name->end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (ascii) return {};
    return fail(
        ErrorCode::invalid_parameter_value,
        "Value (" + *name + ") for parameter groupName is invalid. It may hold ASCII characters only.");
}

Status check_fits_strategy(const std::string& strategy, const ec2::CreatePlacementGroupRequest& request) {
    if (request.partition_count && strategy != "partition")
        return fail(ErrorCode::invalid_parameter_combination,
                    "PartitionCount may be specified for the strategy partition only.");
    if (request.spread_level && strategy != "spread")
        return fail(ErrorCode::invalid_parameter_combination,
                    "SpreadLevel may be specified for the strategy spread only.");
    return {};
}

Result<PlacementGroup> make(db::Session& session, const RequestContext& context,
                            const ec2::CreatePlacementGroupRequest& request, const std::string& strategy) {
    if (db::placement_groups::find_by_name(session, context.account_id, context.region, *request.group_name))
        return fail(ErrorCode::placement_group_duplicate, *request.group_name);
    if (db::placement_groups::count(session, context.account_id, context.region) >= max_groups)
        return fail(ErrorCode::placement_group_limit_exceeded, std::to_string(max_groups));
    PlacementGroup made;
    made.id = PlacementGroupId::make(context.services.random);
    made.account_id = context.account_id;
    made.region = context.region;
    made.name = *request.group_name;
    made.strategy = strategy;
    if (strategy == "partition") made.partition_count = request.partition_count.value_or(default_partitions);
    if (strategy == "spread") made.spread_level = request.spread_level.value_or("rack");
    made.created_ms = context.now_ms();
    db::placement_groups::insert(session, made);
    return made;
}

Result<PlacementGroup> find_by_name(db::Session& session, const RequestContext& context,
                                    const std::string& name) {
    auto found = db::placement_groups::find_by_name(session, context.account_id, context.region, name);
    if (!found) return fail(ErrorCode::placement_group_unknown, name);
    return std::move(*found);
}

Result<PlacementGroup> find_group(db::Session& session, const RequestContext& context,
                                  const GroupWish& wish) {
    if (!wish.id) return find_by_name(session, context, *wish.name);
    if (wish.name && !wish.name->empty())
        return fail(ErrorCode::invalid_parameter_combination,
                    "A placement group is named by GroupId or GroupName, not by both.");
    return find_or_fail<PlacementGroupId>(session, context, *wish.id, db::placement_groups::find,
                                          ErrorCode::placement_group_id_malformed,
                                          ErrorCode::placement_group_unknown);
}

Status check_type(const PlacementGroup& group, const catalogue::InstanceType& type) {
    const auto& able = type.placement_strategies;
    if (std::find(able.begin(), able.end(), group.strategy) != able.end()) return {};
    return fail(ErrorCode::invalid_parameter_combination,
                "The instance type '" + type.name +
                    "' is not supported in placement groups of the strategy " + group.strategy + ".");
}

Status check_partition(const PlacementGroup& group, std::int64_t number) {
    if (group.strategy != "partition")
        return fail(ErrorCode::invalid_parameter_combination,
                    "PartitionNumber may be specified for a placement group of the strategy partition only.");
    if (number >= 1 && number <= group.partition_count) return {};
    return fail(ErrorCode::invalid_parameter_value,
                "Value (" + std::to_string(number) +
                    ") for parameter partitionNumber is invalid. The placement group '" + group.name +
                    "' has " + std::to_string(group.partition_count) + " partitions.");
}

// Another partition of the group that it is in already.
GroupWish completed(GroupWish wish, const Instance& instance) {
    bool says_none = wish.name && wish.name->empty();
    if (!wish.names_group() && !says_none && !instance.placement_group_id.empty())
        wish.id = instance.placement_group_id;
    return wish;
}

Status change_group(db::Session& session, const RequestContext& context, const GroupWish& said,
                    Instance& instance) {
    const auto* type = context.services.catalogue.find(instance.instance_type);
    if (!type) return fail(ErrorCode::invalid_instance_type, instance.instance_type);
    LODGE_TRY(auto chosen, choose_group(session, context, completed(said, instance), *type));
    put_in_group(instance, chosen.value_or(ChosenGroup()), chosen ? chosen->partition : 0);
    return {};
}

}  // namespace

Result<std::optional<ChosenGroup>> choose_group(db::Session& session, const RequestContext& context,
                                                const GroupWish& wish, const catalogue::InstanceType& type) {
    if (!wish.names_group()) {
        if (!wish.partition) return std::nullopt;
        return fail(ErrorCode::invalid_parameter_combination,
                    "PartitionNumber may be specified together with a placement group only.");
    }
    LODGE_TRY(auto group, find_group(session, context, wish));
    LODGE_CHECK(check_type(group, type));
    if (wish.partition) LODGE_CHECK(check_partition(group, *wish.partition));
    return ChosenGroup{std::move(group), wish.partition.value_or(0)};
}

void put_in_group(Instance& instance, const ChosenGroup& chosen, std::int64_t partition) {
    instance.placement_group_id = chosen.group.id.str();
    instance.placement_group_name = chosen.group.name;
    instance.partition_number = partition;
}

Result<ec2::CreatePlacementGroupResponse> create_placement_group(
    RequestContext& context, const ec2::CreatePlacementGroupRequest& request) {
    auto strategy = request.strategy.value_or("cluster");
    LODGE_CHECK(check_name(request.group_name));
    LODGE_CHECK(check_fits_strategy(strategy, request));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "placement-group", {"placement-group"}));
    return context.write([&](db::Session& session) -> Result<ec2::CreatePlacementGroupResponse> {
        LODGE_TRY(auto made, make(session, context, request, strategy));
        put_tags(session, context, made.id.str(), "placement-group", tags);
        return ec2::CreatePlacementGroupResponse{shown(with_tags(session, std::move(made)))};
    });
}

Result<ec2::DeletePlacementGroupResponse> delete_placement_group(
    RequestContext& context, const ec2::DeletePlacementGroupRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::DeletePlacementGroupResponse> {
        LODGE_TRY(auto group, find_by_name(session, context, request.group_name));
        if (db::instances::count_in_group(session, group.id.str()) > 0)
            return fail(ErrorCode::placement_group_in_use, group.name);
        db::placement_groups::erase(session, group.id);
        db::tags::erase_all(session, group.id.str());
        return ec2::DeletePlacementGroupResponse{};
    });
}

Result<ec2::DescribePlacementGroupsResponse> describe_placement_groups(
    RequestContext& context, const ec2::DescribePlacementGroupsRequest& request) {
    auto resource = resource_of<PlacementGroupId, PlacementGroup, GroupRecord>(
        context, ErrorCode::placement_group_id_malformed, ErrorCode::placement_group_unknown, group_filters(),
        db::placement_groups::find, db::placement_groups::list, with_tags<PlacementGroup>);
    LODGE_TRY(auto ids, ids_of(context, request.group_id, request.group_name, find_by_name));
    LODGE_TRY(auto page, describe::describe<GroupRecord>(
                             context, {ids, request.filter, std::nullopt, std::nullopt}, resource));
    ec2::DescribePlacementGroupsResponse response;
    for (const auto& record : page.records) response.placement_groups.push_back(shown(record));
    return response;
}

Result<ec2::ModifyInstancePlacementResponse> modify_instance_placement(
    RequestContext& context, const ec2::ModifyInstancePlacementRequest& request) {
    GroupWish said{request.group_id, request.group_name, request.partition_number};
    const bool group = said.id || said.name || said.partition;
    const bool tenancy = request.tenancy || request.host_id || request.affinity;
    if (!group && !tenancy)
        return fail(ErrorCode::missing_parameter,
                    "GroupName, GroupId, PartitionNumber, Tenancy, HostId or Affinity");
    return context.write([&](db::Session& session) -> Result<ec2::ModifyInstancePlacementResponse> {
        LODGE_TRY(auto row, find_living_instance(session, context, request.instance_id));
        LODGE_CHECK(require_stopped(row));
        if (group) LODGE_CHECK(change_group(session, context, said, row.instance));
        if (tenancy)
            LODGE_CHECK(change_tenancy(session, context, {request.tenancy, request.affinity, request.host_id},
                                       row.instance));
        db::instances::update_attributes(session, row.instance);
        return ec2::ModifyInstancePlacementResponse{true};
    });
}

}  // namespace lodge::api
