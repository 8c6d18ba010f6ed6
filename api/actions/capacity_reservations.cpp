// CreateCapacityReservation, ModifyCapacityReservation, CancelCapacityReservation,
// DescribeCapacityReservations, GetCapacityReservationUsage.
#include "proto/ec2/capacity_reservations.h"

#include <fmt/format.h>

#include "api/actions/account_limits.h"
#include "api/actions/capacity_reservations.h"
#include "api/actions/network.h"
#include "api/actions/tagging.h"
#include "api/describe/paging.h"
#include "db/store/capacity_reservations.h"
#include "proto/base/encoding.h"
#include "scheduler/apply/reservations.h"
#include "scheduler/placement/place.h"
#include "scheduler/reconcile/events.h"

namespace lodge::api {
namespace {

constexpr std::int64_t max_change = 1'000;  // of the number of instances, in one request

struct Record {
    CapacityReservation value;
    std::vector<Tag> tags;
    std::int64_t used = 0;

    // Of one that has ended there is nothing left to use.
    std::int64_t available() const {
        return value.state == CapacityReservationState::active ? value.instance_count - used : 0;
    }
};

Record load(db::Session& session, CapacityReservation value) {
    auto tags = db::tags::of(session, value.account_id, value.id.str());
    const auto used = db::capacity_reservations::used(session, value.id);
    return {std::move(value), std::move(tags), used};
}

std::string end_type(const CapacityReservation& reservation) {
    return reservation.end_ms > 0 ? "limited" : "unlimited";
}

const describe::FilterTable<Record>& filters() {
    static const describe::FilterTable<Record> table = {
        filter<Record>("instance-type", [](const auto& r) { return r.value.instance_type; }),
        filter<Record>("owner-id", [](const auto& r) { return r.value.account_id; }),
        filter<Record>("instance-platform", [](const auto& r) { return r.value.platform; }),
        filter<Record>("availability-zone", [](const auto& r) { return r.value.zone; }),
        filter<Record>("tenancy", [](const auto& r) { return r.value.tenancy; }),
        filter<Record>("state", [](const auto& r) { return to_text(r.value.state); }),
        filter<Record>("start-date", [](const auto& r) { return format_time(r.value.created_ms); }),
        {"end-date",
         [](const Record& r, describe::Values& out) {
             if (r.value.end_ms > 0) out.push_back(format_time(r.value.end_ms));
         }},
        filter<Record>("end-date-type", [](const auto& r) { return end_type(r.value); }),
        filter<Record>("instance-match-criteria", [](const auto& r) { return r.value.match_criteria; }),
        none<Record>("outpost-arn"),
        none<Record>("placement-group-arn"),
    };
    return table;
}

ec2::CapacityReservation shown(const RequestContext& context, const Record& record) {
    const auto& value = record.value;
    ec2::CapacityReservation out;
    out.capacity_reservation_id = value.id.str();
    out.owner_id = value.account_id;
    out.capacity_reservation_arn =
        "arn:aws:ec2:" + value.region + ":" + value.account_id + ":capacity-reservation/" + value.id.str();
    out.availability_zone = value.zone;
    out.availability_zone_id = zone_id(context, value.zone);
    out.instance_type = value.instance_type;
    out.instance_platform = value.platform;
    out.tenancy = value.tenancy;
    out.total_instance_count = value.instance_count;
    out.available_instance_count = record.available();
    out.ebs_optimized = false;
    out.ephemeral_storage = false;
    out.state = to_text(value.state);
    out.start_date = out.create_date = value.created_ms;
    if (value.end_ms > 0) out.end_date = value.end_ms;
    out.end_date_type = end_type(value);
    out.instance_match_criteria = value.match_criteria;
    out.tags = to_ec2(record.tags);
    if (record.used > 0) out.capacity_allocations.push_back({"used", record.used});
    return out;
}

// When it is to end, 0 for never; nothing when the request does not speak of it.
Result<std::optional<UnixMs>> end_of(const RequestContext& context, const std::optional<std::string>& type,
                                     const std::optional<UnixMs>& date) {
    if (date && type != "limited")
        return fail(ErrorCode::invalid_parameter_combination,
                    "EndDate may be specified together with the EndDateType limited only.");
    if (type == "limited" && !date)
        return fail(ErrorCode::missing_parameter, "EndDate: the EndDateType limited needs one.");
    if (date && *date <= context.now_ms())
        return fail(ErrorCode::invalid_parameter_value, "Value (" + format_time(*date) +
                                                            ") for parameter endDate is invalid. It has to "
                                                            "be in the future.");
    if (date) return *date;
    return type ? std::optional<UnixMs>(0) : std::nullopt;
}

Result<CapacityReservation> find_active(db::Session& session, const RequestContext& context,
                                        const std::string& id) {
    LODGE_TRY(auto found, find_capacity_reservation(session, context, id));
    if (found.state == CapacityReservationState::active) return found;
    return fail(ErrorCode::invalid_capacity_reservation_state,
                fmt::format("The capacity reservation '{}' is {}.", id, to_text(found.state)));
}

void note(db::Session& session, const RequestContext& context, const CapacityReservation& reservation,
          const std::string& message) {
    scheduler::record(session, context.now_ms(), reservation.account_id, reservation.id.str(), "reservation",
                      message);
}

// What is asked for counts like instances; to be asked before any of it is written.
Status allowed(db::Session& session, const RequestContext& context, const CapacityReservation& reservation,
               std::int64_t instances) {
    return allowed_instances(session, context, instances, instances, reservation.vcpus).map([](auto) {});
}

Status grow(db::Session& session, const RequestContext& context, const CapacityReservation& reservation,
            std::int64_t instances) {
    auto grown = scheduler::grow(session, context.services.claims, reservation, instances,
                                 {context.services.settings.strategy, context.services.random.next_u64()});
    if (grown) return {};
    return fail(ErrorCode::insufficient_instance_capacity, scheduler::sentence(grown.error()));
}

Result<CapacityReservation> checked(const RequestContext& context,
                                    const ec2::CreateCapacityReservationRequest& request) {
    CapacityReservation made;
    if (request.instance_platform != made.platform)
        return fail(ErrorCode::unsupported_operation,
                    "The parameter InstancePlatform is supported with the value Linux/UNIX only: every image "
                    "here is of that platform.");
    const auto* type = context.services.catalogue.find(request.instance_type);
    if (!type)
        return fail(ErrorCode::invalid_parameter_value,
                    "Invalid value '" + request.instance_type + "' for InstanceType.");
    if (!request.availability_zone && !request.availability_zone_id)
        return fail(ErrorCode::missing_parameter, "AvailabilityZone");
    LODGE_TRY(auto zone, find_zone(context, request.availability_zone, request.availability_zone_id));
    LODGE_TRY(auto end, end_of(context, request.end_date_type, request.end_date));
    made.account_id = context.account_id;
    made.region = context.region;
    made.zone = zone.name;
    made.instance_type = type->name;
    made.architecture = type->architectures.front();
    made.vcpus = type->vcpus;
    made.memory_mib = type->memory_mib;
    made.instance_count = request.instance_count;
    made.match_criteria = request.instance_match_criteria.value_or("open");
    made.created_ms = context.now_ms();
    made.end_ms = end.value_or(0);
    return made;
}

Status change_count(db::Session& session, const RequestContext& context, CapacityReservation& reservation,
                    std::int64_t count) {
    const auto change = count - reservation.instance_count;
    if (change > max_change || change < -max_change)
        return fail(ErrorCode::invalid_parameter_value,
                    fmt::format("InstanceCount may change by at most {} in one request.", max_change));
    const auto used = db::capacity_reservations::used(session, reservation.id);
    if (count < used)
        return fail(ErrorCode::invalid_parameter_value,
                    fmt::format("InstanceCount may not be below the {} instances that run in the capacity "
                                "reservation '{}'.",
                                used, reservation.id.str()));
    reservation.instance_count = count;
    if (change > 0) {
        LODGE_CHECK(allowed(session, context, reservation, change));
        LODGE_CHECK(grow(session, context, reservation, change));
    }
    if (change < 0) scheduler::shrink(session, context.services.claims, reservation, -change);
    return {};
}

Status change_criteria(db::Session& session, const RequestContext& context, CapacityReservation& reservation,
                       const std::string& criteria) {
    if (criteria == reservation.match_criteria) return {};
    if (db::capacity_reservations::used(session, reservation.id) > 0)
        return fail(ErrorCode::invalid_capacity_reservation_state,
                    "InstanceMatchCriteria may change only while no instance runs in the capacity "
                    "reservation '" +
                        reservation.id.str() + "'.");
    reservation.match_criteria = criteria;
    scheduler::take_in(session, context.services.claims, reservation);
    return {};
}

bool says_nothing(const ec2::ModifyCapacityReservationRequest& request) {
    return !request.end_date && !request.end_date_type && !request.instance_count &&
           !request.instance_match_criteria;
}

}  // namespace

Result<CapacityReservation> find_capacity_reservation(db::Session& session, const RequestContext& context,
                                                      const std::string& id) {
    return find_or_fail<CapacityReservationId>(session, context, id, db::capacity_reservations::find,
                                               ErrorCode::invalid_capacity_reservation_id_malformed,
                                               ErrorCode::invalid_capacity_reservation_id_not_found);
}

Result<ec2::CreateCapacityReservationResponse> create_capacity_reservation(
    RequestContext& context, const ec2::CreateCapacityReservationRequest& request) {
    auto made = checked(context, request);
    LODGE_TRY(auto tags,
              tags_for(request.tag_specifications, "capacity-reservation", {"capacity-reservation"}));
    using Response = ec2::CreateCapacityReservationResponse;
    return context.write([&](db::Session& session) -> Result<Response> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        if (earlier) {
            LODGE_TRY(auto found, find_capacity_reservation(session, context, *earlier));
            return Response{shown(context, load(session, std::move(found)))};
        }
        if (!made) return tl::unexpected(made.error());
        LODGE_CHECK(allowed(session, context, *made, made->instance_count));
        made->id = CapacityReservationId::make(context.services.random);
        db::capacity_reservations::insert(session, *made);
        LODGE_CHECK(grow(session, context, *made, made->instance_count));
        put_tags(session, context, made->id.str(), "capacity-reservation", tags);
        remember(session, context, request.client_token, made->id.str());
        note(session, context, *made,
             fmt::format("made for {} x {}", made->instance_count, made->instance_type));
        return Response{shown(context, load(session, *made))};
    });
}

Result<ec2::ModifyCapacityReservationResponse> modify_capacity_reservation(
    RequestContext& context, const ec2::ModifyCapacityReservationRequest& request) {
    if (says_nothing(request))
        return fail(ErrorCode::missing_parameter,
                    "InstanceCount, EndDate, EndDateType or InstanceMatchCriteria");
    LODGE_TRY(auto end, end_of(context, request.end_date_type, request.end_date));
    return context.write([&](db::Session& session) -> Result<ec2::ModifyCapacityReservationResponse> {
        LODGE_TRY(auto found, find_active(session, context, request.capacity_reservation_id));
        if (request.instance_match_criteria)
            LODGE_CHECK(change_criteria(session, context, found, *request.instance_match_criteria));
        if (request.instance_count)
            LODGE_CHECK(change_count(session, context, found, *request.instance_count));
        if (end) found.end_ms = *end;
        db::capacity_reservations::update(session, found);
        return ec2::ModifyCapacityReservationResponse{true};
    });
}

Result<ec2::CancelCapacityReservationResponse> cancel_capacity_reservation(
    RequestContext& context, const ec2::CancelCapacityReservationRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::CancelCapacityReservationResponse> {
        LODGE_TRY(auto found, find_active(session, context, request.capacity_reservation_id));
        scheduler::end(session, context.services.claims, found, CapacityReservationState::cancelled,
                       context.now_ms());
        note(session, context, found, "cancelled");
        return ec2::CancelCapacityReservationResponse{true};
    });
}

Result<ec2::DescribeCapacityReservationsResponse> describe_capacity_reservations(
    RequestContext& context, const ec2::DescribeCapacityReservationsRequest& request) {
    auto resource = resource_of<CapacityReservationId, CapacityReservation, Record>(
        context, ErrorCode::invalid_capacity_reservation_id_malformed,
        ErrorCode::invalid_capacity_reservation_id_not_found, filters(), db::capacity_reservations::find,
        db::capacity_reservations::list, load);
    LODGE_TRY(auto page, describe::describe<Record>(context,
                                                    {request.capacity_reservation_id, request.filter,
                                                     request.max_results, request.next_token},
                                                    resource));
    ec2::DescribeCapacityReservationsResponse response;
    for (const auto& record : page.records) response.capacity_reservations.push_back(shown(context, record));
    response.next_token = page.next_token;
    return response;
}

Result<ec2::GetCapacityReservationUsageResponse> get_capacity_reservation_usage(
    RequestContext& context, const ec2::GetCapacityReservationUsageRequest& request) {
    // There is one page, so that no token leads to another.
    if (request.next_token && !request.next_token->empty())
        return fail(ErrorCode::invalid_next_token, *request.next_token);
    return context.read([&](db::Session& session) -> Result<ec2::GetCapacityReservationUsageResponse> {
        LODGE_TRY(auto found, find_capacity_reservation(session, context, request.capacity_reservation_id));
        const auto record = load(session, std::move(found));
        ec2::GetCapacityReservationUsageResponse response;
        response.capacity_reservation_id = record.value.id.str();
        response.instance_type = record.value.instance_type;
        response.total_instance_count = record.value.instance_count;
        response.available_instance_count = record.available();
        response.state = to_text(record.value.state);
        if (record.used > 0) response.instance_usages.push_back({record.value.account_id, record.used});
        return response;
    });
}

}  // namespace lodge::api
