#include "api/actions/tenancy.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/actions/network.h"
#include "db/store/dedicated_hosts.h"
#include "scheduler/apply/tenancy.h"

namespace lodge::api {
namespace {

Error combination(std::string_view what) {
    return make_error(ErrorCode::invalid_parameter_combination, {what});
}

Status check_named(const DedicatedHost& host, const std::string& instance_type,
                   const std::vector<std::string>& zones) {
    const auto id = host.id.str();
    if (!takes(host, instance_type))
        return tl::unexpected(combination(
            fmt::format("The dedicated host '{}' does not take the instance type {}.", id, instance_type)));
    if (std::find(zones.begin(), zones.end(), host.zone) != zones.end()) return {};
    return tl::unexpected(combination(fmt::format(
        "The dedicated host '{}' is in the zone {}, where these instances may not be.", id, host.zone)));
}

// The machines of the dedicated hosts that the instances may be on.
Result<std::vector<HostId>> machines_for(db::Session& session, const RequestContext& context,
                                         const TenancyWish& wish, const std::string& instance_type,
                                         const scheduler::Request& request) {
    if (!wish.host_id.empty()) {
        LODGE_TRY(auto host, find_held_host(session, context, wish.host_id));
        LODGE_CHECK(check_named(host, instance_type, request.zones));
        return std::vector{host.host_id};
    }
    std::vector<HostId> machines;
    for (const auto& host : db::dedicated_hosts::held(session, context.account_id, context.region))
        if (host.auto_placement && takes(host, instance_type)) machines.push_back(host.host_id);
    return machines;
}

Result<scheduler::Plan> place_on_hosts(const RequestContext& context, const std::vector<HostId>& machines,
                                       const scheduler::Request& request) {
    if (machines.empty())
        return fail(ErrorCode::insufficient_capacity_on_host,
                    "The account has no dedicated host that takes such instances by itself.");
    auto plan = scheduler::place_among(context.services.claims, machines, request);
    if (plan) return std::move(*plan);
    return fail(ErrorCode::insufficient_capacity_on_host,
                "On the account's dedicated hosts: " + scheduler::sentence(plan.error()));
}

Result<scheduler::Plan> told(tl::expected<scheduler::Plan, scheduler::NoCapacity> plan) {
    if (plan) return std::move(*plan);
    return fail(ErrorCode::insufficient_instance_capacity, scheduler::sentence(plan.error()));
}

// Affinity binds an instance to the host that it was on; others may also be found by auto placement.
bool takes_back(const DedicatedHost& host, const RequestContext& context, const Instance& instance) {
    if (host.account_id != context.account_id || !takes(host, instance.instance_type)) return false;
    return host.id.str() == instance.dedicated_host_id ||
           (instance.affinity != "host" && host.auto_placement);
}

Status bind_to_host(db::Session& session, const RequestContext& context, const std::string& id,
                    Instance& instance) {
    LODGE_TRY(auto host, find_held_host(session, context, id));
    LODGE_CHECK(check_named(host, instance.instance_type, {instance.zone}));
    if (host.host_id != instance.host_id)
        return fail(ErrorCode::unsupported_operation,
                    "The parameter HostId is supported for the dedicated host that holds the instance's root "
                    "disk only.");
    instance.dedicated_host_id = id;
    return {};
}

}  // namespace

Result<TenancyWish> tenancy_wish(const std::optional<ec2::PlacementRequest>& placement) {
    if (!placement) return TenancyWish{};
    TenancyWish wish;
    wish.host_id = placement->host_id.value_or("");
    wish.tenancy = placement->tenancy.value_or(wish.host_id.empty() ? "default" : "host");
    wish.affinity = placement->affinity.value_or("");
    if (wish.tenancy == "host") {
        if (wish.affinity.empty()) wish.affinity = "default";
        return wish;
    }
    if (!wish.host_id.empty()) return tl::unexpected(combination("HostId goes with the tenancy host only."));
    if (wish.affinity == "host")
        return tl::unexpected(combination("The affinity host goes with the tenancy host only."));
    wish.affinity.clear();
    return wish;
}

Result<scheduler::Plan> place_by_tenancy(db::Session& session, const RequestContext& context,
                                         const TenancyWish& wish, const std::string& instance_type,
                                         const scheduler::Request& request) {
    auto& claims = context.services.claims;
    if (wish.tenancy == "host") {
        LODGE_TRY(auto machines, machines_for(session, context, wish, instance_type, request));
        return place_on_hosts(context, machines, request);
    }
    if (wish.tenancy == "dedicated")
        return told(scheduler::place_alone(session, claims, context.account_id, request));
    return told(scheduler::place(claims.index(), request));
}

Result<scheduler::Plan> place_again_by_tenancy(db::Session& session, const RequestContext& context,
                                               const Instance& instance, const scheduler::Request& request) {
    if (instance.tenancy != "host")
        return place_by_tenancy(session, context, {instance.tenancy, "", ""}, instance.instance_type,
                                request);
    const auto host = db::dedicated_hosts::of_machine(session, instance.host_id);
    if (host && takes_back(*host, context, instance))
        return place_on_hosts(context, {host->host_id}, request);
    return fail(ErrorCode::insufficient_capacity_on_host,
                "The machine that holds the instance's disk is no dedicated host that takes the instance.");
}

void put_tenancy(db::Session& session, Instance& instance, const TenancyWish& wish, const HostId& machine) {
    instance.tenancy = wish.tenancy;
    instance.affinity = wish.affinity;
    instance.dedicated_host_id.clear();
    if (wish.tenancy != "host") return;
    if (const auto host = db::dedicated_hosts::of_machine(session, machine))
        instance.dedicated_host_id = host->id.str();
}

Status change_tenancy(db::Session& session, const RequestContext& context, const TenancyChange& change,
                      Instance& instance) {
    const auto tenancy = change.tenancy.value_or(change.host_id ? "host" : instance.tenancy);
    const bool other = tenancy != instance.tenancy;
    if (other && (tenancy == "default" || instance.tenancy == "default"))
        return fail(ErrorCode::invalid_tenancy, "The tenancy may change between dedicated and host only.");
    if (tenancy != "host" && (change.host_id || change.affinity == "host"))
        return tl::unexpected(combination("HostId and the affinity host go with the tenancy host only."));
    if (change.host_id) LODGE_CHECK(bind_to_host(session, context, *change.host_id, instance));
    instance.tenancy = tenancy;
    if (tenancy == "host") {
        instance.affinity =
            change.affinity.value_or(instance.affinity.empty() ? "default" : instance.affinity);
    } else {
        instance.affinity.clear();
        instance.dedicated_host_id.clear();
    }
    return {};
}

bool takes(const DedicatedHost& host, std::string_view instance_type) {
    if (!host.instance_type.empty()) return host.instance_type == instance_type;
    return host.instance_family == family_of(instance_type);
}

std::string family_of(std::string_view instance_type) {
    return std::string(instance_type.substr(0, instance_type.find('.')));
}

Result<DedicatedHost> find_held_host(db::Session& session, const RequestContext& context,
                                     const std::string& id) {
    LODGE_TRY(auto host, find_or_fail<DedicatedHostId>(session, context, id, db::dedicated_hosts::find,
                                                       ErrorCode::invalid_host_id_malformed,
                                                       ErrorCode::invalid_host_id_not_found));
    if (host.released_ms == 0) return host;
    return fail(ErrorCode::invalid_host_state, fmt::format("The dedicated host '{}' is released.", id));
}

}  // namespace lodge::api
