// AllocateHosts, DescribeHosts, ModifyHosts, ReleaseHosts.
#include "proto/ec2/dedicated_hosts.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/actions/instance_view.h"
#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "api/actions/tenancy.h"
#include "db/store/dedicated_hosts.h"
#include "db/store/hosts.h"
#include "scheduler/apply/tenancy.h"
#include "scheduler/reconcile/events.h"

namespace lodge::api {
namespace {

using catalogue::InstanceType;

// A host with what it has and holds.
struct Record {
    DedicatedHost value;
    std::vector<Tag> tags;
    std::optional<Host> machine;
    std::vector<db::instances::WithGuest> instances;  // that hold capacity
};

Record load(db::Session& session, DedicatedHost value) {
    Record record{std::move(value), {}, std::nullopt, {}};
    record.tags = db::tags::of(session, record.value.account_id, record.value.id.str());
    if (record.value.released_ms > 0) return record;
    record.machine = db::hosts::find(session, record.value.host_id);
    record.instances = db::dedicated_hosts::instances_on(session, record.value);
    return record;
}

std::string on_or_off(bool value) {
    return value ? "on" : "off";
}

std::string state_of(const RequestContext& context, const Record& record) {
    if (record.value.released_ms > 0) return "released";
    if (!record.machine) return "permanent-failure";
    const auto condition = context.services.hub.condition(record.value.host_id, record.machine->state);
    return scheduler::serves(condition) ? "available" : "under-assessment";
}

describe::FilterTable<Record> filters(const RequestContext& context) {
    return {
        filter<Record>("auto-placement", [](const auto& r) { return on_or_off(r.value.auto_placement); }),
        filter<Record>("availability-zone", [](const auto& r) { return r.value.zone; }),
        filter<Record>("client-token", [](const auto& r) { return r.value.client_token; }),
        none<Record>("host-reservation-id"),
        {"instance-type",
         [](const Record& r, describe::Values& out) {
             if (!r.value.instance_type.empty()) out.push_back(r.value.instance_type);
         }},
        filter<Record>("state", [&context](const auto& r) { return state_of(context, r); }),
    };
}

// The types that the host takes, as the catalogue has them.
std::vector<const InstanceType*> types_of(const RequestContext& context, const std::string& type,
                                          const std::string& family) {
    std::vector<const InstanceType*> found;
    for (const auto& each : context.services.catalogue.all())
        if (type.empty() ? family_of(each.name) == family : each.name == type) found.push_back(&each);
    return found;
}

std::int64_t times(const InstanceType& type, std::int64_t vcpus, std::int64_t memory_mib) {
    return std::max<std::int64_t>(0, std::min(vcpus / type.vcpus, memory_mib / type.memory_mib));
}

void show_room(const RequestContext& context, const Record& record, ec2::DedicatedHost& out) {
    const auto whole = context.services.claims.whole(*record.machine);
    auto vcpus = whole.total_vcpus;
    auto memory_mib = whole.total_memory_mib;
    for (const auto& row : record.instances) {
        vcpus -= row.guest.vcpus;
        memory_mib -= row.guest.memory_mib;
    }
    auto& room = out.available_capacity.emplace();
    room.available_v_cpus = std::max<std::int64_t>(0, vcpus);
    for (const auto* type : types_of(context, record.value.instance_type, record.value.instance_family))
        room.available_instance_capacity.push_back({times(*type, vcpus, memory_mib), type->name,
                                                    times(*type, whole.total_vcpus, whole.total_memory_mib)});
    out.host_properties->total_v_cpus = whole.total_vcpus;
    out.host_properties->cores = record.machine->vcpus;
    out.host_properties->sockets = 1;
}

ec2::DedicatedHost shown(const RequestContext& context, const Record& record) {
    const auto& value = record.value;
    ec2::DedicatedHost out;
    out.auto_placement = on_or_off(value.auto_placement);
    out.availability_zone = value.zone;
    out.availability_zone_id = zone_id(context, value.zone);
    if (!value.client_token.empty()) out.client_token = value.client_token;
    out.host_id = value.id.str();
    out.host_properties.emplace();
    if (!value.instance_type.empty()) out.host_properties->instance_type = value.instance_type;
    out.host_properties->instance_family = value.instance_family;
    if (record.machine) show_room(context, record, out);
    for (const auto& row : record.instances)
        out.instances.push_back({row.instance.id.str(), row.instance.instance_type, row.instance.account_id});
    out.state = state_of(context, record);
    out.allocation_time = value.allocated_ms;
    if (value.released_ms > 0) out.release_time = value.released_ms;
    out.tags = to_ec2(record.tags);
    out.host_recovery = "off";
    out.host_maintenance = "off";
    out.allows_multiple_instance_types = on_or_off(value.instance_type.empty());
    out.owner_id = value.account_id;
    out.member_of_service_linked_resource_group = false;
    return out;
}

// What hosts are asked to take: one type, or a family.
struct Kind {
    std::string type;
    std::string family;
    std::vector<const InstanceType*> types;
};

Result<Kind> kind_of(const RequestContext& context, const std::optional<std::string>& type,
                     const std::optional<std::string>& family) {
    if (type && family)
        return fail(ErrorCode::invalid_parameter_combination,
                    "InstanceType and InstanceFamily exclude each other.");
    if (!type && !family) return fail(ErrorCode::missing_parameter, "InstanceType or InstanceFamily");
    Kind kind{type.value_or(""), family ? *family : family_of(*type), {}};
    kind.types = types_of(context, kind.type, kind.family);
    if (kind.types.empty())
        return fail(ErrorCode::invalid_parameter_value, "Invalid value '" + (type ? *type : *family) +
                                                            "' for " +
                                                            (type ? "InstanceType." : "InstanceFamily."));
    std::erase_if(kind.types, [](const auto* each) { return !each->dedicated_hosts; });
    if (!kind.types.empty()) return kind;
    return fail(ErrorCode::invalid_host_configuration, "The instance type or family '" +
                                                           (type ? *type : *family) +
                                                           "' is not supported on dedicated hosts.");
}

// Whether the host could hold one of them if it were empty.
bool could_hold(const scheduler::HostCapacity& host, const Kind& kind) {
    return std::any_of(kind.types.begin(), kind.types.end(), [&](const auto* type) {
        const auto& able = type->architectures;
        return std::find(able.begin(), able.end(), host.architecture) != able.end() &&
               times(*type, host.total_vcpus, host.total_memory_mib) > 0;
    });
}

// Machines that nobody uses, fewest totals first; none with a stopped instance of another account.
std::vector<HostId> free_machines(db::Session& session, const RequestContext& context,
                                  const std::string& zone, const Kind& kind) {
    std::vector<const scheduler::HostCapacity*> found;
    for (const auto& host : db::hosts::list(session)) {
        const auto* known = context.services.claims.index().find(host.id);
        if (!known || host.zone != zone || known->condition != scheduler::HostCondition::ok) continue;
        if (!known->pool.empty() || !is_empty(*known) || !could_hold(*known, kind)) continue;
        const auto rows = db::instances::on_host(session, host.id);
        const bool others = std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
            return row.instance.ended_ms == 0 && row.instance.account_id != context.account_id;
        });
        if (!others) found.push_back(known);
    }
    std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) {
        return std::pair(a->total_vcpus, a->total_memory_mib) <
               std::pair(b->total_vcpus, b->total_memory_mib);
    });
    std::vector<HostId> ids;
    for (const auto* host : found) ids.push_back(host->id);
    return ids;
}

void note(db::Session& session, const RequestContext& context, const DedicatedHost& host,
          const std::string& message) {
    scheduler::record(session, context.now_ms(), host.account_id, host.id.str(), "dedicated host", message);
}

DedicatedHost allocate(db::Session& session, const RequestContext& context, const HostId& machine,
                       DedicatedHost like, const std::vector<ec2::Tag>& tags) {
    like.id = DedicatedHostId::make(context.services.random);
    like.host_id = machine;
    db::dedicated_hosts::insert(session, like);
    context.services.claims.set_pool(session, machine, std::string(scheduler::dedicated_hosts_pool));
    put_tags(session, context, like.id.str(), "dedicated-host", tags);
    note(session, context, like, "allocated: the machine " + machine.str());
    return like;
}

// What a ClientToken is kept with, for all hosts of one request.
std::string joined(const std::vector<std::string>& ids) {
    return fmt::format("{}", fmt::join(ids, ","));
}

std::vector<std::string> parted(const std::string& text) {
    std::vector<std::string> ids;
    for (std::size_t from = 0; from < text.size();) {
        const auto comma = std::min(text.find(',', from), text.size());
        ids.push_back(text.substr(from, comma - from));
        from = comma + 1;
    }
    return ids;
}

// Does each host its own good or bad: what fails changes nothing of the others.
template <class Response, class Change>
Result<Response> for_each_host(RequestContext& context, const std::vector<std::string>& ids, Change change) {
    return context.write([&](db::Session& session) -> Result<Response> {
        Response response;
        for (const auto& id : ids) {
            auto host = find_held_host(session, context, id);
            Status done = host ? change(session, *host) : Status(tl::unexpected(host.error()));
            if (done) {
                response.successful.push_back(id);
            } else {
                const auto& error = done.error();
                response.unsuccessful.push_back(
                    {ec2::DedicatedHostError{std::string(wire_code(error.code)), error.message}, id});
            }
        }
        return response;
    });
}

// What runs on the host has to be of the new kind, too.
Status check_instances(db::Session& session, const DedicatedHost& changed) {
    for (const auto& row : db::dedicated_hosts::instances_on(session, changed)) {
        if (takes(changed, row.instance.instance_type)) continue;
        return fail(ErrorCode::invalid_host_configuration,
                    fmt::format("The dedicated host '{}' runs an instance of the type {}.", changed.id.str(),
                                row.instance.instance_type));
    }
    return {};
}

Status modify(db::Session& session, const RequestContext& context, DedicatedHost host,
              const ec2::ModifyHostsRequest& request, const std::optional<Kind>& kind) {
    if (request.auto_placement) host.auto_placement = *request.auto_placement == "on";
    if (kind) {
        host.instance_type = kind->type;
        host.instance_family = kind->family;
        const auto* machine = context.services.claims.index().find(host.host_id);
        if (!machine || !could_hold(*machine, *kind))
            return fail(ErrorCode::invalid_host_configuration,
                        fmt::format("The dedicated host '{}' is too small for it.", host.id.str()));
        LODGE_CHECK(check_instances(session, host));
    }
    db::dedicated_hosts::update(session, host);
    return {};
}

Status release(db::Session& session, const RequestContext& context, DedicatedHost host) {
    if (!db::dedicated_hosts::instances_on(session, host).empty())
        return fail(ErrorCode::invalid_host_occupied, host.id.str());
    host.released_ms = context.now_ms();
    db::dedicated_hosts::update(session, host);
    context.services.claims.set_pool(session, host.host_id, "");
    note(session, context, host, "released");
    return {};
}

}  // namespace

Result<ec2::AllocateHostsResponse> allocate_hosts(RequestContext& context,
                                                  const ec2::AllocateHostsRequest& request) {
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "dedicated-host", {"dedicated-host"}));
    if (!request.availability_zone && !request.availability_zone_id)
        return fail(ErrorCode::missing_parameter, "AvailabilityZone");
    LODGE_TRY(auto zone, find_zone(context, request.availability_zone, request.availability_zone_id));
    LODGE_TRY(auto kind, kind_of(context, request.instance_type, request.instance_family));
    DedicatedHost like;
    like.account_id = context.account_id;
    like.region = context.region;
    like.zone = zone.name;
    like.instance_type = kind.type;
    like.instance_family = kind.family;
    like.auto_placement = request.auto_placement.value_or("on") == "on";
    like.client_token = request.client_token.value_or("");
    like.allocated_ms = context.now_ms();
    return context.write([&](db::Session& session) -> Result<ec2::AllocateHostsResponse> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        if (earlier) return ec2::AllocateHostsResponse{parted(*earlier)};
        auto machines = free_machines(session, context, zone.name, kind);
        if (std::ssize(machines) < request.quantity)
            return fail(ErrorCode::insufficient_host_capacity,
                        fmt::format("There are {} hosts in {} that nobody uses and that could hold such "
                                    "instances: too few for {}.",
                                    machines.size(), zone.name, request.quantity));
        machines.resize(static_cast<std::size_t>(request.quantity));
        ec2::AllocateHostsResponse response;
        for (const auto& machine : machines)
            response.host_ids.push_back(allocate(session, context, machine, like, tags).id.str());
        remember(session, context, request.client_token, joined(response.host_ids));
        return response;
    });
}

Result<ec2::DescribeHostsResponse> describe_hosts(RequestContext& context,
                                                  const ec2::DescribeHostsRequest& request) {
    const auto table = filters(context);
    auto resource = resource_of<DedicatedHostId, DedicatedHost, Record>(
        context, ErrorCode::invalid_host_id_malformed, ErrorCode::invalid_host_id_not_found, table,
        db::dedicated_hosts::find, db::dedicated_hosts::list, load);
    LODGE_TRY(
        auto page,
        describe::describe<Record>(
            context, {request.host_id, request.filter, request.max_results, request.next_token}, resource));
    ec2::DescribeHostsResponse response;
    for (const auto& record : page.records) response.hosts.push_back(shown(context, record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::ModifyHostsResponse> modify_hosts(RequestContext& context,
                                              const ec2::ModifyHostsRequest& request) {
    std::optional<Kind> kind;
    if (request.instance_type || request.instance_family) {
        LODGE_TRY(kind, kind_of(context, request.instance_type, request.instance_family));
    }
    if (!kind && !request.auto_placement)
        return fail(ErrorCode::missing_parameter, "AutoPlacement, InstanceType or InstanceFamily");
    return for_each_host<ec2::ModifyHostsResponse>(context, request.host_id,
                                                   [&](db::Session& session, const DedicatedHost& host) {
                                                       return modify(session, context, host, request, kind);
                                                   });
}

Result<ec2::ReleaseHostsResponse> release_hosts(RequestContext& context,
                                                const ec2::ReleaseHostsRequest& request) {
    return for_each_host<ec2::ReleaseHostsResponse>(
        context, request.host_id,
        [&](db::Session& session, const DedicatedHost& host) { return release(session, context, host); });
}

}  // namespace lodge::api
