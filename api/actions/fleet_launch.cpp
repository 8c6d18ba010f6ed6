#include "api/actions/fleet_launch.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "api/actions/launch_request.h"
#include "api/actions/run_instances.h"
#include "db/store/fleets.h"
#include "db/store/instances.h"

namespace lodge::api {
namespace {

constexpr std::int64_t max_count = 10'000;  // RunInstances'

// The template's own interfaces go into the override's subnet.
void put_subnet(const std::string& subnet_id, ec2::RunInstancesRequest& launch) {
    if (launch.network_interface.empty()) {
        launch.subnet_id = subnet_id;
        return;
    }
    for (auto& interface : launch.network_interface) interface.subnet_id = subnet_id;
}

ec2::RunInstancesRequest asked_of(const ec2::CreateFleetRequest& request,
                                  const ec2::FleetLaunchTemplateConfig& config,
                                  const ec2::FleetOverrides& overrides) {
    ec2::RunInstancesRequest out;
    out.min_count = out.max_count = 1;
    out.launch_template = config.launch_template_specification;
    out.instance_type = overrides.instance_type;
    out.image_id = overrides.image_id;
    if (overrides.availability_zone || overrides.placement) out.placement.emplace();
    if (overrides.availability_zone) out.placement->availability_zone = overrides.availability_zone;
    if (overrides.placement) out.placement->group_name = overrides.placement->group_name;
    for (const auto& specification : request.tag_specification)
        if (specification.resource_type != "fleet") out.tag_specification.push_back(specification);
    return out;
}

Result<FleetChoice> choice_of(RequestContext& context, const ec2::CreateFleetRequest& request,
                              std::size_t config, std::size_t choice) {
    const auto& of = request.launch_template_configs[config];
    auto overrides = choice < of.overrides.size() ? of.overrides[choice] : ec2::FleetOverrides();
    FleetChoice out;
    out.config = static_cast<std::int64_t>(config);
    out.choice = static_cast<std::int64_t>(choice);
    out.weight = overrides.weighted_capacity.value_or(1);
    if (out.weight <= 0)
        return fail(ErrorCode::invalid_parameter_value, "WeightedCapacity has to be greater than 0.");
    LODGE_TRY(out.launch, with_template(context, asked_of(request, of, overrides)));
    if (overrides.subnet_id) put_subnet(*overrides.subnet_id, out.launch.request);
    return out;
}

double priority_of(const ec2::CreateFleetRequest& request, const FleetChoice& choice) {
    const auto& overrides =
        request.launch_template_configs[static_cast<std::size_t>(choice.config)].overrides;
    const auto at = static_cast<std::size_t>(choice.choice);
    constexpr double last = std::numeric_limits<double>::infinity();
    return at < overrides.size() ? overrides[at].priority.value_or(last) : last;
}

// Memory is what hosts run out of first; vCPUs are overcommitted.
double size_of(const RequestContext& context, const FleetChoice& choice) {
    const auto* type = context.services.catalogue.find(choice.launch.request.instance_type.value_or(""));
    if (!type) return std::numeric_limits<double>::infinity();
    return static_cast<double>(type->memory_mib) / choice.weight;
}

// One fleet's launches, each in a transaction of its own.
class Launches {
  public:
    Launches(RequestContext& context, const Fleet& fleet, const ec2::FleetOnDemandOptions& options)
        : context_(context), fleet_(fleet), options_(options) {}

    // Of the choice, as many instances as make `wanted` units, at least as many as make `least`. Returns the
    // units that there are now of it.
    Result<double> attempt(const FleetChoice& choice, double wanted, double least) {
        auto launch = choice.launch;
        if (!narrow(launch.request)) return 0.0;
        launch.request.max_count = std::min(max_count, instances_for(wanted, choice.weight));
        launch.request.min_count =
            std::clamp<std::int64_t>(instances_for(least, choice.weight), 1, launch.request.max_count);
        auto made = try_launch(choice, launch);
        if (made) return static_cast<double>(*made) * choice.weight;
        LODGE_CHECK(note(choice, launch, made.error()));
        return 0.0;
    }

  private:
    static std::int64_t instances_for(double units, double weight) {
        return static_cast<std::int64_t>(std::ceil(units / weight));
    }

    // Keeps to the type and the zone of what there is already; false when this choice cannot.
    bool narrow(ec2::RunInstancesRequest& request) const {
        if (type_.empty()) return true;
        if (options_.single_instance_type.value_or(false) && request.instance_type != type_) return false;
        if (!options_.single_availability_zone.value_or(false)) return true;
        auto& placement = request.placement;
        if (!placement) placement.emplace();
        if (placement->availability_zone && *placement->availability_zone != zone_) return false;
        placement->availability_zone = zone_;
        return true;
    }

    FleetLaunchResult result_of(const FleetChoice& choice, const TemplatedLaunch& launch) {
        return {
            fleet_.id, position_++, choice.config, choice.choice, launch.request.instance_type.value_or(""),
            "",        ""};
    }

    Result<std::int64_t> try_launch(const FleetChoice& choice, const TemplatedLaunch& launch) {
        LODGE_TRY(auto wish, check_launch(context_, launch.request));
        wish.instance_tags.insert(wish.instance_tags.end(), launch.tags.begin(), launch.tags.end());
        wish.instance_tags.push_back({"aws:ec2:fleet-id", fleet_.id.str()});
        LODGE_TRY(auto rows, context_.write([&](db::Session& session) {
            return launch_in(session, choice, launch, wish);
        }));
        type_ = rows.front().instance.instance_type;
        zone_ = rows.front().instance.zone;
        return static_cast<std::int64_t>(rows.size());
    }

    Result<std::vector<db::instances::WithGuest>> launch_in(db::Session& session, const FleetChoice& choice,
                                                            const TemplatedLaunch& launch,
                                                            const LaunchWish& wish) {
        LODGE_TRY(auto reservation_id, launch_instances(session, context_, launch.request, wish));
        auto rows = db::instances::of_reservation(session, context_.account_id, reservation_id.str());
        auto result = result_of(choice, launch);
        result.instance_type = wish.type->name;
        db::fleets::insert_launch(session, result);
        for (const auto& row : rows)
            db::fleets::insert_instance(session, {fleet_.id, row.instance.id, result.position});
        return rows;
    }

    Status note(const FleetChoice& choice, const TemplatedLaunch& launch, const Error& error) {
        auto result = result_of(choice, launch);
        result.error_code = wire_code(error.code);
        result.error_message = error.message;
        return context_.write([&](db::Session& session) -> Status {
            db::fleets::insert_launch(session, result);
            return {};
        });
    }

    RequestContext& context_;
    const Fleet& fleet_;
    const ec2::FleetOnDemandOptions& options_;
    std::int64_t position_ = 0;
    std::string type_;  // of what was launched last; empty: nothing yet
    std::string zone_;
};

}  // namespace

Result<std::vector<FleetChoice>> fleet_choices(RequestContext& context,
                                               const ec2::CreateFleetRequest& request) {
    std::vector<FleetChoice> choices;
    const auto& configs = request.launch_template_configs;
    for (std::size_t config = 0; config < configs.size(); ++config) {
        auto count = std::max<std::size_t>(configs[config].overrides.size(), 1);
        for (std::size_t i = 0; i < count; ++i) {
            LODGE_TRY(auto choice, choice_of(context, request, config, i));
            choices.push_back(std::move(choice));
        }
    }
    auto options = request.on_demand_options.value_or(ec2::FleetOnDemandOptions());
    bool by_priority = options.allocation_strategy == "prioritized";
    auto rank = [&](const FleetChoice& choice) {
        return by_priority ? priority_of(request, choice) : size_of(context, choice);
    };
    std::stable_sort(choices.begin(), choices.end(),
                     [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    return choices;
}

Status launch_fleet(RequestContext& context, const Fleet& fleet, const ec2::CreateFleetRequest& request,
                    const std::vector<FleetChoice>& choices, std::int64_t target) {
    auto options = request.on_demand_options.value_or(ec2::FleetOnDemandOptions());
    auto least = static_cast<double>(options.min_target_capacity.value_or(0));
    auto missing = static_cast<double>(target);
    Launches launches(context, fleet, options);
    for (const auto& choice : choices) {
        if (missing <= 0) break;
        LODGE_TRY(auto units, launches.attempt(choice, missing, least));
        missing -= units;
        if (units > 0) least = 0;
    }
    return {};
}

}  // namespace lodge::api
