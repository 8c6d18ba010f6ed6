#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/model/enum_text.h"

namespace lodge {

enum class CapacityReservationState { active, expired, cancelled };

template <>
struct EnumText<CapacityReservationState> {
    static constexpr std::array words = {
        std::pair{CapacityReservationState::active, std::string_view("active")},
        std::pair{CapacityReservationState::expired, std::string_view("expired")},
        std::pair{CapacityReservationState::cancelled, std::string_view("cancelled")}};
};

// Room for some instances of one type, held on hosts of one zone.
struct CapacityReservation {
    CapacityReservationId id;
    AccountId account_id;
    std::string region;
    std::string zone;
    std::string instance_type;
    std::string architecture;  // of the type
    std::string platform = "Linux/UNIX";
    std::string tenancy = "default";  // "dedicated"
    std::int64_t vcpus = 0;           // held for each instance
    std::int64_t memory_mib = 0;
    std::int64_t instance_count = 0;
    std::string match_criteria = "open";  // "open", "targeted"
    CapacityReservationState state = CapacityReservationState::active;
    UnixMs created_ms = 0;
    UnixMs end_ms = 0;    // when it expires; 0: never
    UnixMs ended_ms = 0;  // when it stopped being active; 0 before
};

// How much of a reservation one host holds, used or not.
struct ReservedRoom {
    CapacityReservationId reservation_id;
    HostId host_id;
    std::int64_t instances = 0;
};

}  // namespace lodge
