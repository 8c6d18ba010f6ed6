// CreateFleet, DescribeFleets, DescribeFleetInstances, DeleteFleets: fleets of the type instant.
#include "proto/ec2/fleets.h"

#include <algorithm>
#include <set>

#include "api/actions/fleet_launch.h"
#include "api/actions/instance_view.h"
#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "api/query/decode.h"
#include "api/query/parameters.h"
#include "db/store/fleets.h"

namespace lodge::api {
namespace {

constexpr std::size_t max_deletions = 25;  // of one request
constexpr std::string_view lifecycle = "on-demand";

// A fleet with all that it shows.
struct FleetRecord {
    Fleet value;
    std::vector<Tag> tags;
    ec2::CreateFleetRequest request;
    std::vector<FleetLaunchResult> launches;
    std::vector<FleetInstance> instances;
    bool any_left = false;  // an instance that has not terminated
};

Result<ec2::CreateFleetRequest> read_request(const std::string& kept) {
    LODGE_TRY(auto parameters, query::parse_form(kept));
    LODGE_TRY(auto tree, query::ParameterTree::build(parameters));
    ec2::CreateFleetRequest request;
    LODGE_CHECK(query::decode(tree, ec2::create_fleet_request_table, &request));
    return request;
}

// One that has not terminated.
std::optional<Instance> find_left(db::Session& session, const InstanceId& id) {
    auto row = db::instances::find_any(session, id);
    if (!row || state_of(*row) == InstanceState::terminated) return std::nullopt;
    return std::move(row->instance);
}

FleetRecord load(db::Session& session, Fleet fleet) {
    FleetRecord out;
    out.tags = db::tags::of(session, fleet.account_id, fleet.id.str());
    out.request = read_request(fleet.request).value_or(ec2::CreateFleetRequest());
    out.launches = db::fleets::launches_of(session, fleet.id);
    out.instances = db::fleets::instances_of(session, fleet.id);
    out.any_left = std::any_of(out.instances.begin(), out.instances.end(), [&](const FleetInstance& each) {
        return find_left(session, each.instance_id).has_value();
    });
    out.value = std::move(fleet);
    return out;
}

std::string state_of(const FleetRecord& record) {
    if (record.value.deleted_ms == 0) return "active";
    return record.any_left ? "deleted_terminating" : "deleted";
}

// --- What is asked for

Status check_type(const ec2::CreateFleetRequest& request) {
    if (request.type == "instant") return {};
    return fail(ErrorCode::unsupported_operation,
                "The parameter Type is supported with the value instant only: no fleet is kept up here.");
}

// Units to launch. Whatever is not on-demand would be spot.
Result<std::int64_t> target_of(const ec2::FleetTargetCapacity& capacity) {
    auto on_demand = capacity.on_demand_target_capacity.value_or(0);
    if (on_demand > capacity.total_target_capacity)
        return fail(ErrorCode::invalid_parameter_combination,
                    "OnDemandTargetCapacity may not be greater than TotalTargetCapacity.");
    if (capacity.default_target_capacity_type == "on-demand") return capacity.total_target_capacity;
    if (on_demand == capacity.total_target_capacity) return on_demand;
    return fail(
        ErrorCode::unsupported_operation,
        "The parameter TargetCapacitySpecification.DefaultTargetCapacityType is supported with the value "
        "on-demand only: there is no spot market.");
}

Status check_options(const ec2::CreateFleetRequest& request) {
    if (!request.on_demand_options || !request.on_demand_options->min_target_capacity) return {};
    const auto& options = *request.on_demand_options;
    if (!options.single_availability_zone.value_or(false) && !options.single_instance_type.value_or(false))
        return fail(ErrorCode::invalid_parameter_combination,
                    "MinTargetCapacity goes with SingleAvailabilityZone or SingleInstanceType.");
    if (*options.min_target_capacity <= request.target_capacity_specification.total_target_capacity)
        return {};
    return fail(ErrorCode::invalid_parameter_combination,
                "MinTargetCapacity may not be greater than TotalTargetCapacity.");
}

// --- What is shown

ec2::FleetLaunch launch_of(const FleetRecord& record, const FleetLaunchResult& result) {
    const auto& configs = record.request.launch_template_configs;
    const auto config = static_cast<std::size_t>(result.config);
    const auto choice = static_cast<std::size_t>(result.choice);
    ec2::FleetLaunch out;
    if (config >= configs.size()) return out;
    out.launch_template_specification = configs[config].launch_template_specification;
    if (choice < configs[config].overrides.size()) out.overrides = configs[config].overrides[choice];
    return out;
}

std::vector<ec2::FleetError> errors_of(const FleetRecord& record) {
    std::vector<ec2::FleetError> out;
    for (const auto& result : record.launches)
        if (!result.error_code.empty())
            out.push_back(
                {launch_of(record, result), std::string(lifecycle), result.error_code, result.error_message});
    return out;
}

std::vector<ec2::FleetInstances> instances_of(const FleetRecord& record) {
    std::vector<ec2::FleetInstances> out;
    for (const auto& result : record.launches) {
        if (!result.error_code.empty()) continue;
        ec2::FleetInstances group{
            launch_of(record, result), std::string(lifecycle), {}, result.instance_type};
        for (const auto& each : record.instances)
            if (each.position == result.position) group.instance_ids.push_back(each.instance_id.str());
        out.push_back(std::move(group));
    }
    return out;
}

double fulfilled(const FleetRecord& record) {
    double units = 0;
    for (const auto& group : instances_of(record)) {
        auto overrides = group.launch_template_and_overrides->overrides.value_or(ec2::FleetOverrides());
        units += static_cast<double>(group.instance_ids.size()) * overrides.weighted_capacity.value_or(1);
    }
    return units;
}

std::string activity_of(const FleetRecord& record) {
    auto target = record.request.target_capacity_specification.total_target_capacity;
    if (state_of(record) == "deleted_terminating") return "pending_termination";
    return fulfilled(record) >= static_cast<double>(target) ? "fulfilled" : "error";
}

ec2::FleetTargetCapacityShown target_shown(const FleetRecord& record) {
    const auto& capacity = record.request.target_capacity_specification;
    return {capacity.total_target_capacity, capacity.total_target_capacity, 0, std::string(lifecycle)};
}

ec2::FleetData shown(const FleetRecord& record) {
    ec2::FleetData out;
    out.activity_status = activity_of(record);
    out.create_time = record.value.created_ms;
    out.fleet_id = record.value.id.str();
    out.fleet_state = state_of(record);
    if (!record.value.client_token.empty()) out.client_token = record.value.client_token;
    out.fulfilled_capacity = out.fulfilled_on_demand_capacity = fulfilled(record);
    out.launch_template_configs = record.request.launch_template_configs;
    out.target_capacity_specification = target_shown(record);
    out.terminate_instances_with_expiration = false;
    out.type = "instant";
    out.replace_unhealthy_instances = false;
    out.on_demand_options = record.request.on_demand_options.value_or(ec2::FleetOnDemandOptions());
    if (!out.on_demand_options->allocation_strategy)
        out.on_demand_options->allocation_strategy = "lowest-price";
    out.tags = to_ec2(record.tags);
    out.errors = errors_of(record);
    out.instances = instances_of(record);
    return out;
}

const describe::FilterTable<FleetRecord>& fleet_filters() {
    static const describe::FilterTable<FleetRecord> table = {
        filter<FleetRecord>("activity-status", activity_of),
        filter<FleetRecord>("fleet-state", state_of),
        filter<FleetRecord>("replace-unhealthy-instances", [](const auto&) { return "false"; }),
        filter<FleetRecord>("type", [](const auto&) { return "instant"; }),
        none<FleetRecord>("excess-capacity-termination-policy"),
    };
    return table;
}

ec2::CreateFleetResponse created(const FleetRecord& record) {
    return {record.value.id.str(), errors_of(record), instances_of(record)};
}

Result<Fleet> find_fleet(db::Session& session, const RequestContext& context, const std::string& id) {
    return find_or_fail<FleetId>(session, context, id, db::fleets::find,
                                 ErrorCode::invalid_fleet_id_malformed,
                                 ErrorCode::invalid_fleet_id_not_found);
}

// --- Making

// The fleet, and whether an earlier request with the same token made it.
struct Begun {
    Fleet fleet;
    bool earlier = false;
};

// `launchable` is told only if nothing was launched with the token before.
Result<Begun> begin(RequestContext& context, const ec2::CreateFleetRequest& request,
                    const std::vector<ec2::Tag>& tags, const Status& launchable) {
    return context.write([&](db::Session& session) -> Result<Begun> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        if (earlier) {
            LODGE_TRY(auto fleet, find_fleet(session, context, *earlier));
            return Begun{std::move(fleet), true};
        }
        LODGE_CHECK(launchable);
        Fleet fleet;
        fleet.id = FleetId::make(context.services.random);
        fleet.account_id = context.account_id;
        fleet.region = context.region;
        fleet.client_token = request.client_token.value_or("");
        fleet.request = query::form_text(query::parameters_of(ec2::create_fleet_request_table, &request));
        fleet.created_ms = context.now_ms();
        db::fleets::insert(session, fleet);
        put_tags(session, context, fleet.id.str(), "fleet", tags);
        remember(session, context, request.client_token, fleet.id.str());
        return Begun{std::move(fleet), false};
    });
}

// --- Deleting

ec2::UndeletedFleet undeleted(const std::string& id, std::string code, std::string message) {
    return {ec2::FleetDeletionError{std::move(code), std::move(message)}, id};
}

// Nothing if it can be deleted.
std::optional<ec2::UndeletedFleet> refusal(const std::string& id, const std::optional<FleetRecord>& record,
                                           bool terminate) {
    if (!FleetId::parse(id)) return undeleted(id, "fleetIdMalformed", "The fleet ID is malformed.");
    if (!record) return undeleted(id, "fleetIdDoesNotExist", "The fleet ID does not exist.");
    if (record->value.deleted_ms > 0)
        return undeleted(id, "fleetNotInDeletableState", "The fleet has been deleted.");
    if (terminate) return std::nullopt;
    return undeleted(id, "unexpectedError",
                     "A fleet of the type instant is deleted together with its instances: TerminateInstances "
                     "must be true.");
}

// The instances first: a fleet that has gone while its instances stay could not be deleted again.
Status end_instances(RequestContext& context, const FleetRecord& record) {
    ec2::TerminateInstancesRequest request;
    LODGE_CHECK(context.read([&](db::Session& session) -> Status {
        for (const auto& each : record.instances)
            if (find_left(session, each.instance_id)) request.instance_id.push_back(each.instance_id.str());
        return {};
    }));
    if (request.instance_id.empty()) return {};
    return terminate_instances(context, request).map([](auto&&) {});
}

Result<ec2::DeletedFleet> delete_one(RequestContext& context, FleetRecord record) {
    LODGE_CHECK(end_instances(context, record));
    return context.write([&](db::Session& session) -> Result<ec2::DeletedFleet> {
        record.value.deleted_ms = context.now_ms();
        db::fleets::update(session, record.value);
        return ec2::DeletedFleet{state_of(load(session, record.value)), "active", record.value.id.str()};
    });
}

std::optional<FleetRecord> find_record(RequestContext& context, const std::string& id) {
    auto found = context.read([&](db::Session& session) -> Result<std::optional<FleetRecord>> {
        auto fleet = db::fleets::find(session, context.account_id, context.region, id);
        if (!fleet) return std::nullopt;
        return load(session, std::move(*fleet));
    });
    return found.value_or(std::nullopt);
}

// --- A fleet's instances

const describe::FilterTable<Instance>& active_filters() {
    static const describe::FilterTable<Instance> table = {
        filter<Instance>("instance-type", [](const auto& r) { return r.instance_type; }),
    };
    return table;
}

// Those that have not terminated, by ID from behind `after`.
std::vector<Instance> active_of(db::Session& session, const FleetId& id, const std::string& after) {
    std::vector<Instance> out;
    for (const auto& each : db::fleets::instances_of(session, id)) {
        if (each.instance_id.str() <= after) continue;
        if (auto instance = find_left(session, each.instance_id)) out.push_back(std::move(*instance));
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return out;
}

// As its status checks see it.
std::string health_of(const RequestContext& context, const Instance& instance) {
    return context.services.hub.serves(instance.host_id) ? "healthy" : "unhealthy";
}

}  // namespace

Result<ec2::CreateFleetResponse> create_fleet(RequestContext& context,
                                              const ec2::CreateFleetRequest& request) {
    LODGE_CHECK(check_type(request));
    LODGE_CHECK(check_options(request));
    LODGE_TRY(auto target, target_of(request.target_capacity_specification));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "fleet",
                                  {"fleet", "instance", "volume", "network-interface"}));
    auto choices = fleet_choices(context, request);
    LODGE_TRY(auto begun, begin(context, request, tags, choices.map([](const auto&) {})));
    if (!begun.earlier) LODGE_CHECK(launch_fleet(context, begun.fleet, request, *choices, target));
    return context.read([&](db::Session& session) -> Result<ec2::CreateFleetResponse> {
        return created(load(session, begun.fleet));
    });
}

Result<ec2::DescribeFleetsResponse> describe_fleets(RequestContext& context,
                                                    const ec2::DescribeFleetsRequest& request) {
    describe::Resource<FleetRecord> resource{
        [](std::string_view id) { return FleetId::parse(id).has_value(); },
        ErrorCode::invalid_fleet_id_malformed, ErrorCode::invalid_fleet_id_not_found, fleet_filters(),
        [](const FleetRecord& record) -> const std::vector<Tag>& { return record.tags; },
        [](const FleetRecord& record) { return record.value.id.str(); },
        [&](db::Session& session, const std::string& id) -> std::optional<FleetRecord> {
            auto fleet = db::fleets::find(session, context.account_id, context.region, id);
            if (!fleet) return std::nullopt;
            return load(session, std::move(*fleet));
        },
        // As in EC2: one of the type instant is shown to those who ask for it by its ID.
        [](db::Session&, const std::string&, std::int64_t) { return std::vector<FleetRecord>(); }};
    LODGE_TRY(
        auto page,
        describe::describe<FleetRecord>(
            context, {request.fleet_id, request.filter, request.max_results, request.next_token}, resource));
    ec2::DescribeFleetsResponse response;
    for (const auto& record : page.records) response.fleets.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::DescribeFleetInstancesResponse> describe_fleet_instances(
    RequestContext& context, const ec2::DescribeFleetInstancesRequest& request) {
    LODGE_TRY(auto fleet, context.read([&](db::Session& session) {
        return find_fleet(session, context, request.fleet_id);
    }));
    describe::Resource<Instance> resource{
        [](std::string_view) { return false; },
        ErrorCode::invalid_instance_id_malformed,
        ErrorCode::invalid_instance_id_not_found,
        active_filters(),
        nullptr,
        [](const Instance& record) { return record.id.str(); },
        [](db::Session&, const std::string&) -> std::optional<Instance> { return std::nullopt; },
        [&](db::Session& session, const std::string& after, std::int64_t) {
            return active_of(session, fleet.id, after);
        },
        {},
        true};
    LODGE_TRY(auto page,
              describe::describe<Instance>(
                  context, {{}, request.filter, request.max_results, request.next_token}, resource));
    ec2::DescribeFleetInstancesResponse response;
    for (const auto& each : page.records)
        response.active_instances.push_back({each.id.str(), each.instance_type, health_of(context, each)});
    response.next_token = page.next_token;
    response.fleet_id = request.fleet_id;
    return response;
}

Result<ec2::DeleteFleetsResponse> delete_fleets(RequestContext& context,
                                                const ec2::DeleteFleetsRequest& request) {
    if (request.fleet_id.size() > max_deletions)
        return fail(ErrorCode::invalid_parameter_value,
                    "At most " + std::to_string(max_deletions) + " fleets can be deleted in one request.");
    ec2::DeleteFleetsResponse response;
    for (const auto& id : std::set(request.fleet_id.begin(), request.fleet_id.end())) {
        auto record = find_record(context, id);
        if (auto refused = refusal(id, record, request.terminate_instances)) {
            response.unsuccessful_fleet_deletions.push_back(std::move(*refused));
            continue;
        }
        if (context.dry_run) continue;
        auto deleted = delete_one(context, std::move(*record));
        if (deleted) {
            response.successful_fleet_deletions.push_back(std::move(*deleted));
        } else {
            response.unsuccessful_fleet_deletions.push_back(
                undeleted(id, "unexpectedError", deleted.error().message));
        }
    }
    return response;
}

}  // namespace lodge::api
