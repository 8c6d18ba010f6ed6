// Capacity reservations as they come, change and end: their rows and the claims that go with them, in the
// caller's transaction, which has to be given up when one of these fails.
#pragma once

#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "db/driver/session.h"
#include "proto/model/instance.h"
#include "scheduler/apply/claims.h"

namespace lodge::scheduler {

// What placement goes by beside the reservation itself.
struct ReservingWish {
    Strategy strategy = Strategy::best_fit;
    std::uint64_t seed = 0;
};

// Takes room for so many more instances of the reservation, whose row is there: an open one first takes in
// the account's instances that it is for, and the rest is held where placement finds room.
tl::expected<void, NoCapacity> grow(db::Session& session, Claims& claims,
                                    const CapacityReservation& reservation, std::int64_t instances,
                                    const ReservingWish& wish);

// Gives room of so many instances back; no more than are unused.
void shrink(db::Session& session, Claims& claims, const CapacityReservation& reservation,
            std::int64_t instances);

// Takes the account's instances that it is for in, as far as there is room in it that nobody uses: what it
// held for them where it was becomes free.
void take_in(db::Session& session, Claims& claims, const CapacityReservation& reservation);

// Ends an active one. Its instances run on, without it.
void end(db::Session& session, Claims& claims, CapacityReservation reservation,
         CapacityReservationState state, UnixMs now_ms);

// Whether instances of the other's account, in its zone, may run in it: type and tenancy.
bool is_for(const CapacityReservation& reservation, const Instance& instance);

// The unused room of the account's open reservations for such instances, in whichever of the zones.
std::vector<Reserved> open_room(db::Session& session, const Claims& claims, const Instance& instance,
                                const std::vector<std::string>& zones);

// Moves room that no instance uses off hosts that take none: those that drain, are lost or cannot run guests.
// Where there is no room elsewhere it stays. `settling` tells of hosts whose condition is not known yet.
void rehome(db::Session& session, Claims& claims, const CapacityReservation& reservation,
            const std::function<bool(const HostId&)>& settling);

}  // namespace lodge::scheduler
