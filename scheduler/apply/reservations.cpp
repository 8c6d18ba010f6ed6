#include "scheduler/apply/reservations.h"

#include <algorithm>
#include <set>

#include "db/store/capacity_reservations.h"
#include "db/store/guests.h"
#include "db/store/instances.h"
#include "scheduler/placement/place.h"

namespace lodge::scheduler {
namespace {

// Writes one host's room, as the claims have it by now.
void put_row(db::Session& session, const Claims& claims, const CapacityReservationId& id,
             const HostId& host_id) {
    db::capacity_reservations::put_room(session, {id, host_id, claims.reserved(id, host_id)});
}

// At most so many; returns how many it took.
std::int64_t adopt_some(db::Session& session, Claims& claims, const CapacityReservation& reservation,
                        std::int64_t most) {
    std::int64_t taken = 0;
    if (reservation.match_criteria != "open") return taken;
    for (const auto& row : db::instances::open_to_reservation(session, reservation)) {
        if (taken == most) break;
        if (!claims.adopt(session, reservation, row.guest)) continue;
        db::guests::set_reservation(session, row.guest.id, reservation.id.str());
        put_row(session, claims, reservation.id, row.guest.host_id);
        ++taken;
    }
    return taken;
}

Request request_of(const CapacityReservation& reservation, std::int64_t instances,
                   const ReservingWish& wish) {
    Request request;
    request.vcpus = reservation.vcpus;
    request.memory_mib = reservation.memory_mib;
    request.architecture = reservation.architecture;
    request.zone = reservation.zone;
    request.min_count = request.max_count = instances;
    request.strategy = wish.strategy;
    request.seed = wish.seed;
    return request;
}

bool takes_guests(const Claims& claims, const HostId& id) {
    const auto* host = claims.index().find(id);
    return host && host->condition == HostCondition::ok;
}

// Room that goes first when there is too much: on hosts that take no guests.
std::vector<Reserved> expendable(const Claims& claims, const CapacityReservationId& id) {
    auto rooms = claims.unused(id);
    std::stable_partition(rooms.begin(), rooms.end(),
                          [&](const Reserved& room) { return !takes_guests(claims, room.host); });
    return rooms;
}

}  // namespace

tl::expected<void, NoCapacity> grow(db::Session& session, Claims& claims,
                                    const CapacityReservation& reservation, std::int64_t instances,
                                    const ReservingWish& wish) {
    instances -= adopt_some(session, claims, reservation, instances);
    if (instances == 0) return {};
    auto plan = place(claims.index(), request_of(reservation, instances, wish));
    if (!plan) return tl::unexpected(std::move(plan.error()));
    for (const auto& host_id : plan->hosts)
        if (!claims.reserve(session, reservation, host_id)) return tl::unexpected(NoCapacity());
    for (const auto& host_id : std::set(plan->hosts.begin(), plan->hosts.end()))
        put_row(session, claims, reservation.id, host_id);
    return {};
}

void shrink(db::Session& session, Claims& claims, const CapacityReservation& reservation,
            std::int64_t instances) {
    for (const auto& room : expendable(claims, reservation.id)) {
        const auto count = std::min(room.instances, instances);
        for (std::int64_t i = 0; i < count; ++i) claims.unreserve(session, reservation, room.host);
        put_row(session, claims, reservation.id, room.host);
        instances -= count;
        if (instances == 0) return;
    }
}

void take_in(db::Session& session, Claims& claims, const CapacityReservation& reservation) {
    std::int64_t unused = 0;
    for (const auto& room : claims.unused(reservation.id)) unused += room.instances;
    shrink(session, claims, reservation, adopt_some(session, claims, reservation, unused));
}

void end(db::Session& session, Claims& claims, CapacityReservation reservation,
         CapacityReservationState state, UnixMs now_ms) {
    const auto guests = db::guests::in_reservation(session, reservation.id);
    claims.end_reservation(session, reservation.id, guests);
    for (const auto& guest : guests) db::guests::set_reservation(session, guest.id, "");
    db::capacity_reservations::erase_rooms(session, reservation.id);
    reservation.state = state;
    reservation.ended_ms = now_ms;
    db::capacity_reservations::update(session, reservation);
}

bool is_for(const CapacityReservation& reservation, const Instance& instance) {
    return reservation.instance_type == instance.instance_type && reservation.tenancy == instance.tenancy;
}

std::vector<Reserved> open_room(db::Session& session, const Claims& claims, const Instance& instance,
                                const std::vector<std::string>& zones) {
    std::vector<Reserved> all;
    for (const auto& each :
         db::capacity_reservations::active(session, instance.account_id, instance.region)) {
        if (each.match_criteria != "open" || std::count(zones.begin(), zones.end(), each.zone) == 0) continue;
        if (!is_for(each, instance)) continue;
        const auto rooms = claims.unused(each.id);
        all.insert(all.end(), rooms.begin(), rooms.end());
    }
    return all;
}

void rehome(db::Session& session, Claims& claims, const CapacityReservation& reservation,
            const std::function<bool(const HostId&)>& settling) {
    for (const auto& room : claims.unused(reservation.id)) {
        if (takes_guests(claims, room.host) || settling(room.host)) continue;
        auto request = request_of(reservation, 1, {});
        request.max_count = room.instances;
        const auto plan = place(claims.index(), request);
        if (!plan) continue;
        for (const auto& host_id : plan->hosts) {
            if (!claims.reserve(session, reservation, host_id)) continue;
            claims.unreserve(session, reservation, room.host);
            put_row(session, claims, reservation.id, host_id);
            put_row(session, claims, reservation.id, room.host);
        }
    }
}

}  // namespace lodge::scheduler
