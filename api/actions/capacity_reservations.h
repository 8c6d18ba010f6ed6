// Capacity reservations as launches, starts and changes of instances speak of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/pipeline/context.h"
#include "proto/ec2/common.h"
#include "proto/model/capacity_reservation.h"
#include "proto/model/instance.h"
#include "scheduler/placement/reserved.h"

namespace lodge::api {

// Which reservations instances may run in: those of a preference, or the target alone.
struct CapacityWish {
    std::string preference = "open";  // "none", "capacity-reservations-only"; empty: there is a target
    std::string target;
};

// Errors: InvalidCapacityReservationId.Malformed and .NotFound.
Result<CapacityReservation> find_capacity_reservation(db::Session& session, const RequestContext& context,
                                                      const std::string& id);

// Nothing said is "open". InvalidParameterCombination for a preference next to a target.
Result<CapacityWish> capacity_wish(const std::optional<ec2::CapacityReservationSpecificationRequest>& given);

// Room that is reserved for instances, in the zones that they may be placed in.
struct ReservedChoice {
    std::vector<scheduler::Reserved> rooms;
    bool only = false;               // they run there or not at all
    std::vector<std::string> zones;  // the target's, where there is one

    std::int64_t instances() const;
};

// For instances of the account, region, type and tenancy of `like`. Errors, of a target alone:
// InvalidCapacityReservationId.Malformed and .NotFound, InvalidCapacityReservationState for one that has
// ended, InvalidParameterCombination for one of another type, tenancy or zone.
Result<ReservedChoice> choose_reserved(db::Session& session, const RequestContext& context,
                                       const CapacityWish& wish, const Instance& like,
                                       const std::vector<std::string>& zones);

// Why a placement that could use reserved room alone found too little: ReservationCapacityExceeded.
Error reserved_too_little(const CapacityWish& wish, std::int64_t could_place, std::int64_t wanted);

}  // namespace lodge::api
