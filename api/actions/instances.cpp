// DescribeInstances, StartInstances, StopInstances, RebootInstances, TerminateInstances.
#include "proto/ec2/instances.h"

#include "api/actions/account_limits.h"
#include "api/actions/capacity_reservations.h"
#include "api/actions/instance_filters.h"
#include "api/actions/instance_view.h"
#include "api/actions/network.h"
#include "api/actions/tenancy.h"
#include "api/actions/volume_view.h"
#include "api/describe/engine.h"
#include "db/store/guests.h"
#include "db/store/hosts.h"
#include "db/store/network_interfaces.h"
#include "db/store/volumes.h"
#include "scheduler/apply/groups.h"
#include "scheduler/lifecycle/lifecycle.h"
#include "scheduler/network/instance_network.h"
#include "scheduler/placement/place.h"
#include "scheduler/reconcile/events.h"
#include "scheduler/volumes/pools.h"

namespace lodge::api {
namespace {

using db::instances::WithGuest;
using scheduler::Verdict;
using scheduler::Wish;

bool instance_id_well_formed(std::string_view id) {
    return InstanceId::parse(id).has_value();
}

const std::vector<Tag>& tags_of(const InstanceRecord& record) {
    return record.tags;
}

describe::Resource<InstanceRecord> resource(const RequestContext& context) {
    describe::Resource<InstanceRecord> made = {
        instance_id_well_formed,
        ErrorCode::invalid_instance_id_malformed,
        ErrorCode::invalid_instance_id_not_found,
        instance_filters(),
        tags_of,
        page_key,
        [&context](db::Session& session, const std::string& id) -> std::optional<InstanceRecord> {
            auto row = db::instances::find(session, context.account_id, context.region, id);
            if (!row) return std::nullopt;
            return load_one(session, std::move(*row));
        },
        [&context](db::Session& session, const std::string& after, std::int64_t limit) {
            return load_all(session, db::instances::list(session, context.account_id, context.region,
                                                         position(after), limit));
        }};
    made.keeps_found = true;
    return made;
}

// Writes a changed instance and wakes its host.
void save(db::Session& session, const RequestContext& context, const WithGuest& row, InstanceState before) {
    db::instances::update(session, row.instance);
    scheduler::record_transition(session, row.instance, before, state_of(row), context.now_ms());
    session.after_commit([&hub = context.services.hub, host = row.instance.host_id] { hub.changed(host); });
}

// Runs `change` on each instance for which the lifecycle allows the wish; refuses the whole request, and
// changes nothing, when one does not allow it.
template <class Change>
Result<std::vector<ec2::InstanceStateChange>> change_each(RequestContext& context,
                                                          const std::vector<std::string>& ids, Wish wish,
                                                          Change change) {
    return context.write([&](db::Session& session) -> Result<std::vector<ec2::InstanceStateChange>> {
        LODGE_TRY(auto rows, find_instances(session, context, ids));
        std::vector<ec2::InstanceStateChange> changes;
        for (auto& row : rows) {
            auto before = state_of(row);
            auto verdict = scheduler::judge(wish, before);
            if (verdict == Verdict::refuse)
                return tl::unexpected<Error>(scheduler::refusal(wish, row.instance, before));
            LODGE_CHECK(change(session, row, verdict == Verdict::change));
            changes.push_back({row.instance.id.str(), to_ec2(state_of(row)), to_ec2(before)});
        }
        return changes;
    });
}

// The public addresses that stopping gave back.
Status take_launch_addresses(db::Session& session, const RequestContext& context, const Instance& instance) {
    for (auto& interface : db::network_interfaces::of_instance(session, instance.id)) {
        auto before = interface.public_ip;
        if (!network::take_launch_address(session, context.services.settings.public_pool, interface,
                                          context.services.random))
            return fail(ErrorCode::insufficient_address_capacity);
        if (interface.public_ip != before) network_changed(session, context, interface.vpc_id);
    }
    return {};
}

// Where the root disk is, in reserved room if there is any for the instance.
Result<scheduler::Plan> place_again(db::Session& session, const RequestContext& context,
                                    const Instance& instance) {
    const CapacityWish wish{instance.capacity_preference, instance.capacity_target};
    LODGE_TRY(auto reserved, choose_reserved(session, context, wish, instance, {instance.zone}));
    std::erase_if(reserved.rooms, [&](const auto& room) { return room.host != instance.host_id; });
    if (reserved.rooms.empty()) LODGE_CHECK(allowed_instances(session, context, 1, 1, instance.vcpus));
    scheduler::Request request;
    request.vcpus = instance.vcpus;
    request.memory_mib = instance.memory_mib;
    request.architecture = instance.architecture;
    request.zones = {instance.zone};
    request.pinned = instance.host_id;
    request.group = scheduler::rule_for(session, instance);
    request.reserved = reserved.rooms;
    request.reserved_only = reserved.only;
    if (reserved.only && reserved.rooms.empty())
        return tl::unexpected<Error>(reserved_too_little(wish, 0, 1));
    return place_again_by_tenancy(session, context, instance, request);
}

// Where the root disk is, and with it all of the instance's volumes; if there is no place, on another host
// that can have them.
Result<scheduler::Plan> place_with_disks(db::Session& session, const RequestContext& context,
                                         const Instance& instance, const std::vector<Volume>& volumes) {
    auto plan = place_again(session, context, instance);
    if (plan || instance.tenancy == "host") return plan;
    const bool held = std::any_of(volumes.begin(), volumes.end(),
                                  [&](const Volume& volume) { return is_held(session, context, volume); });
    const auto host_now = db::hosts::find(session, instance.host_id);
    if (held || !host_now) return plan;
    for (const HostId& id : volumes::sharing_with(session, *host_now)) {
        Instance moved = instance;
        moved.host_id = id;
        const auto* host = context.services.claims.index().find(id);
        if (host == nullptr || host->condition != scheduler::HostCondition::ok) continue;
        if (auto other = place_again(session, context, moved)) return other;
    }
    return plan;
}

// Its volumes go with it.
void move_instance(db::Session& session, const RequestContext& context, Instance& instance,
                   std::vector<Volume>& volumes, const HostId& to) {
    if (instance.host_id == to) return;
    scheduler::record(
        session, context.now_ms(), instance.account_id, instance.id.str(), "placed",
        "goes from " + instance.host_id.str() + " to " + to.str() + ", which shares its storage");
    wake_host(session, context, instance.host_id);
    instance.host_id = to;
    for (auto& volume : volumes) volumes::move_volume(session, volume, to);
}

// A new guest where the root disk is.
Status start_one(db::Session& session, const RequestContext& context, WithGuest& row) {
    auto before = state_of(row);
    if (row.instance.root_volume_id.empty())
        return fail(ErrorCode::invalid_parameter_value,
                    "Invalid value '" + row.instance.id.str() +
                        "' for instanceId. Instance does not have a volume attached at root (" +
                        row.instance.root_device_name + ")");
    auto volumes = db::volumes::of_instance(session, row.instance.id);
    LODGE_TRY(auto plan, place_with_disks(session, context, row.instance, volumes));
    Guest guest;
    if (!plan.reservations.empty()) guest.capacity_reservation_id = plan.reservations.front().str();
    guest.id = GuestId::make(context.services.random);
    guest.instance_id = row.instance.id;
    guest.host_id = plan.hosts.front();
    guest.vcpus = row.instance.vcpus;
    guest.memory_mib = row.instance.memory_mib;
    guest.keeps_root = true;
    guest.created_ms = guest.observed_ms = context.now_ms();
    if (!context.services.claims.claim(session, guest))
        return fail(ErrorCode::insufficient_instance_capacity, "The host has no room any more; try again.");
    db::guests::insert(session, guest);
    move_instance(session, context, row.instance, volumes, guest.host_id);
    if (!plan.partitions.empty()) row.instance.partition_number = plan.partitions.front();
    put_tenancy(session, row.instance, {row.instance.tenancy, row.instance.affinity, ""}, guest.host_id);
    db::instances::update_attributes(session, row.instance);
    LODGE_CHECK(take_launch_addresses(session, context, row.instance));
    scheduler::want_start(row.instance, guest, context.now_ms());
    row.guest = guest;
    save(session, context, row, before);
    return {};
}

Status stop_one(db::Session& session, const RequestContext& context, const ec2::StopInstancesRequest& request,
                WithGuest& row, bool change) {
    bool skip = request.force.value_or(false) || request.skip_os_shutdown.value_or(false);
    auto before = state_of(row);
    // Force on an instance that is already stopping ends the wait for its guest.
    bool hurry = before == InstanceState::stopping && skip && !row.instance.skip_os_shutdown;
    if (!change && !hurry) return {};
    if (row.instance.disable_api_stop)
        return fail(ErrorCode::operation_not_permitted,
                    "The instance '" + row.instance.id.str() +
                        "' may not be stopped. Modify its 'disableApiStop' "
                        "instance attribute and try again.");
    scheduler::want_stop(row.instance, skip, context.now_ms());
    save(session, context, row, before);
    return {};
}

Status terminate_one(db::Session& session, const RequestContext& context,
                     const ec2::TerminateInstancesRequest& request, WithGuest& row, bool change) {
    bool skip = request.force.value_or(false) || request.skip_os_shutdown.value_or(false);
    auto before = state_of(row);
    bool hurry = before == InstanceState::shutting_down && skip && !row.instance.skip_os_shutdown;
    if (!change && !hurry) return {};
    if (row.instance.disable_api_termination)
        return fail(ErrorCode::operation_not_permitted,
                    "The instance '" + row.instance.id.str() +
                        "' may not be terminated. Modify its "
                        "'disableApiTermination' instance attribute and try again.");
    scheduler::want_termination(row.instance, skip, context.now_ms());
    save(session, context, row, before);
    network::settle_ended_guest(session, row.instance, row.guest);  // a stopped one has no guest to wait for
    return {};
}

}  // namespace

Result<ec2::DescribeInstancesResponse> describe_instances(RequestContext& context,
                                                          const ec2::DescribeInstancesRequest& request) {
    LODGE_TRY(auto page,
              describe::describe(
                  context, {request.instance_id, request.filter, request.max_results, request.next_token},
                  resource(context)));
    return ec2::DescribeInstancesResponse{group_by_reservation(page.records), page.next_token};
}

Result<ec2::StartInstancesResponse> start_instances(RequestContext& context,
                                                    const ec2::StartInstancesRequest& request) {
    LODGE_TRY(auto changes, change_each(context, request.instance_id, Wish::start,
                                        [&](db::Session& session, WithGuest& row, bool change) -> Status {
                                            if (!change) return {};
                                            return start_one(session, context, row);
                                        }));
    return ec2::StartInstancesResponse{std::move(changes)};
}

Result<ec2::StopInstancesResponse> stop_instances(RequestContext& context,
                                                  const ec2::StopInstancesRequest& request) {
    LODGE_TRY(auto changes, change_each(context, request.instance_id, Wish::stop,
                                        [&](db::Session& session, WithGuest& row, bool change) {
                                            return stop_one(session, context, request, row, change);
                                        }));
    return ec2::StopInstancesResponse{std::move(changes)};
}

Result<ec2::RebootInstancesResponse> reboot_instances(RequestContext& context,
                                                      const ec2::RebootInstancesRequest& request) {
    LODGE_CHECK(change_each(context, request.instance_id, Wish::reboot,
                            [&](db::Session& session, WithGuest& row, bool) -> Status {
                                scheduler::want_reboot(row.instance);
                                scheduler::record(session, context.now_ms(), context.account_id,
                                                  row.instance.id.str(), "reboot", "asked to reboot");
                                save(session, context, row, state_of(row));
                                return {};
                            })
                    .map([](auto&&) {}));
    return ec2::RebootInstancesResponse{};
}

Result<ec2::TerminateInstancesResponse> terminate_instances(RequestContext& context,
                                                            const ec2::TerminateInstancesRequest& request) {
    LODGE_TRY(auto changes, change_each(context, request.instance_id, Wish::terminate,
                                        [&](db::Session& session, WithGuest& row, bool change) {
                                            return terminate_one(session, context, request, row, change);
                                        }));
    return ec2::TerminateInstancesResponse{std::move(changes)};
}

}  // namespace lodge::api
