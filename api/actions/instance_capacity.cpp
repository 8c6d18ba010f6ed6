// What instances say of capacity reservations: at their launch, and in
// ModifyInstanceCapacityReservationAttributes.
#include <fmt/format.h>

#include <algorithm>

#include "api/actions/capacity_reservations.h"
#include "api/actions/instance_view.h"
#include "api/actions/network.h"
#include "db/store/capacity_reservations.h"
#include "proto/ec2/capacity_reservations.h"
#include "scheduler/apply/reservations.h"

namespace lodge::api {
namespace {

Status check_target(const CapacityReservation& target, const Instance& like,
                    const std::vector<std::string>& zones) {
    if (target.state != CapacityReservationState::active)
        return fail(
            ErrorCode::invalid_capacity_reservation_state,
            fmt::format("The capacity reservation '{}' is {}.", target.id.str(), to_text(target.state)));
    if (std::count(zones.begin(), zones.end(), target.zone) == 0)
        return fail(ErrorCode::invalid_parameter_combination,
                    fmt::format("The capacity reservation '{}' is in the zone {}, where these instances may "
                                "not be.",
                                target.id.str(), target.zone));
    if (scheduler::is_for(target, like)) return {};
    return fail(ErrorCode::invalid_parameter_combination,
                fmt::format("The capacity reservation '{}' is for instances of type {} with the tenancy {}.",
                            target.id.str(), target.instance_type, target.tenancy));
}

}  // namespace

std::int64_t ReservedChoice::instances() const {
    std::int64_t sum = 0;
    for (const auto& room : rooms) sum += room.instances;
    return sum;
}

Result<CapacityWish> capacity_wish(const std::optional<ec2::CapacityReservationSpecificationRequest>& given) {
    if (!given) return CapacityWish{};
    const auto& preference = given->capacity_reservation_preference;
    const auto& target = given->capacity_reservation_target;
    if (!target) return CapacityWish{preference.value_or("open"), ""};
    if (preference)
        return fail(ErrorCode::invalid_parameter_combination,
                    "CapacityReservationPreference and CapacityReservationTarget exclude each other.");
    if (!target->capacity_reservation_id)
        return fail(ErrorCode::missing_parameter, "CapacityReservationTarget.CapacityReservationId");
    return CapacityWish{"", *target->capacity_reservation_id};
}

Result<ReservedChoice> choose_reserved(db::Session& session, const RequestContext& context,
                                       const CapacityWish& wish, const Instance& like,
                                       const std::vector<std::string>& zones) {
    const auto& claims = context.services.claims;
    ReservedChoice choice;
    choice.zones = zones;
    if (wish.preference == "none") return choice;
    choice.only = wish.preference != "open";
    if (wish.target.empty()) {
        choice.rooms = scheduler::open_room(session, claims, like, zones);
        return choice;
    }
    LODGE_TRY(auto target, find_capacity_reservation(session, context, wish.target));
    LODGE_CHECK(check_target(target, like, zones));
    choice.rooms = claims.unused(target.id);
    choice.zones = {target.zone};
    return choice;
}

Error reserved_too_little(const CapacityWish& wish, std::int64_t could_place, std::int64_t wanted) {
    const auto where = wish.target.empty()
                           ? std::string("No zone's open capacity reservations have")
                           : fmt::format("The capacity reservation '{}' does not have", wish.target);
    return make_error(ErrorCode::reservation_capacity_exceeded,
                      {fmt::format("{} room for {} more of these instances: there is some for {}.", where,
                                   wanted, could_place)});
}

Result<ec2::ModifyInstanceCapacityReservationAttributesResponse>
modify_instance_capacity_reservation_attributes(
    RequestContext& context, const ec2::ModifyInstanceCapacityReservationAttributesRequest& request) {
    LODGE_TRY(auto wish, capacity_wish(request.capacity_reservation_specification));
    using Response = ec2::ModifyInstanceCapacityReservationAttributesResponse;
    return context.write([&](db::Session& session) -> Result<Response> {
        LODGE_TRY(auto row, find_living_instance(session, context, request.instance_id));
        LODGE_CHECK(require_stopped(row));
        if (!wish.target.empty()) {
            LODGE_TRY(auto target, find_capacity_reservation(session, context, wish.target));
            LODGE_CHECK(check_target(target, row.instance, {row.instance.zone}));
        }
        row.instance.capacity_preference = wish.preference;
        row.instance.capacity_target = wish.target;
        db::instances::update_attributes(session, row.instance);
        return Response{true};
    });
}

}  // namespace lodge::api
