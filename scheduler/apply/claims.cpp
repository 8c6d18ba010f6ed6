#include "scheduler/apply/claims.h"

#include <algorithm>
#include <cmath>

#include "db/store/capacity_reservations.h"
#include "db/store/dedicated_hosts.h"
#include "db/store/guests.h"
#include "db/store/hosts.h"
#include "scheduler/apply/tenancy.h"

namespace lodge::scheduler {

void Claims::load(db::Session& session) {
    index_ = CapacityIndex();
    for (const auto& host : db::hosts::list(session))
        index_.put(capacity_of(host, HostCondition::unreachable));
    std::unordered_map<HostId, Amount> taken;  // changed in the index once a host, which is slow
    load_reservations(session, taken);
    for (const auto& guest : db::guests::claiming(session)) {
        if (room_of(guest)) {
            add_room(CapacityReservationId::trusted(guest.capacity_reservation_id), guest.host_id, {0, 1});
        } else {
            taken[guest.host_id].add(guest.vcpus, guest.memory_mib);
        }
    }
    for (const auto& [id, amount] : taken) subtract(id, amount);
    for (const auto& host : db::dedicated_hosts::all_held(session))
        index_.set_pool(host.host_id, std::string(dedicated_hosts_pool));
    for (const auto& tenant : db::dedicated_hosts::tenants(session))
        index_.set_pool(tenant.host_id, tenants_pool(tenant.account_id));
}

void Claims::load_reservations(db::Session& session, std::unordered_map<HostId, Amount>& taken) {
    reservations_.clear();
    for (const auto& each : db::capacity_reservations::all_active(session))
        reservations_[each.id] = {{each.vcpus, each.memory_mib}, {}};
    for (const auto& room : db::capacity_reservations::all_rooms(session)) {
        const auto found = reservations_.find(room.reservation_id);
        if (found == reservations_.end()) continue;
        auto& held = found->second;
        held.hosts[room.host_id].instances = room.instances;
        const auto amount = held.each.times(room.instances);
        taken[room.host_id].add(amount.vcpus, amount.memory_mib);
    }
}

HostCapacity Claims::capacity_of(const Host& host, HostCondition condition) const {
    HostCapacity capacity;
    capacity.id = host.id;
    capacity.zone = host.zone;
    capacity.architecture = host.architecture;
    capacity.condition = condition;
    capacity.total_vcpus = std::llround(std::floor(static_cast<double>(host.vcpus) * overcommit_.vcpus));
    auto usable = std::max<std::int64_t>(0, host.memory_mib - overcommit_.reserved_memory_mib);
    capacity.total_memory_mib = std::llround(std::floor(static_cast<double>(usable) * overcommit_.memory));
    capacity.free_vcpus = capacity.total_vcpus;
    capacity.free_memory_mib = capacity.total_memory_mib;
    return capacity;
}

void Claims::put_host(db::Session& session, const Host& host, HostCondition condition) {
    auto capacity = capacity_of(host, condition);
    const auto* known = index_.find(host.id);
    if (known) {
        capacity.pool = known->pool;
        capacity.free_vcpus -= known->total_vcpus - known->free_vcpus;
        capacity.free_memory_mib -= known->total_memory_mib - known->free_memory_mib;
        session.on_rollback([this, before = *known] { index_.put(before); });
    } else {
        session.on_rollback([this, id = host.id] { index_.remove(id); });
    }
    index_.put(std::move(capacity));
}

void Claims::set_condition(db::Session& session, const HostId& id, HostCondition condition) {
    const auto* known = index_.find(id);
    if (!known) return;
    session.on_rollback([this, id, before = known->condition] { index_.set_condition(id, before); });
    index_.set_condition(id, condition);
}

bool Claims::claim(db::Session& session, const Guest& guest) {
    if (!guest.capacity_reservation_id.empty()) return claim_reserved(session, guest);
    return take_free(session, guest.host_id, {guest.vcpus, guest.memory_mib});
}

bool Claims::claim_reserved(db::Session& session, const Guest& guest) {
    const auto* host = index_.find(guest.host_id);
    if (!host || !serves(host->condition)) return false;
    const auto* room = room_of(guest);
    if (!room || room->used >= room->instances) return false;
    change_room(session, CapacityReservationId::trusted(guest.capacity_reservation_id), guest.host_id,
                {0, 1});
    return true;
}

void Claims::release(db::Session& session, const Guest& guest) {
    if (room_of(guest)) {
        change_room(session, CapacityReservationId::trusted(guest.capacity_reservation_id), guest.host_id,
                    {0, -1});
    } else {
        give(session, guest.host_id, {guest.vcpus, guest.memory_mib});
    }
    give_back_if_empty(session, guest.host_id);
}

void Claims::give_back_if_empty(db::Session& session, const HostId& id) {
    const auto* host = index_.find(id);
    if (host && is_tenants(host->pool) && is_empty(*host)) set_pool(session, id, "");
}

void Claims::set_pool(db::Session& session, const HostId& id, const std::string& pool) {
    const auto* host = index_.find(id);
    if (!host || host->pool == pool) return;
    session.on_rollback([this, id, before = host->pool] { index_.set_pool(id, before); });
    index_.set_pool(id, pool);
}

bool Claims::reserve(db::Session& session, const CapacityReservation& reservation, const HostId& host_id) {
    const Amount each{reservation.vcpus, reservation.memory_mib};
    if (!take_free(session, host_id, each)) return false;
    reservations_[reservation.id].each = each;
    change_room(session, reservation.id, host_id, {1, 0});
    return true;
}

bool Claims::unreserve(db::Session& session, const CapacityReservation& reservation, const HostId& host_id) {
    const auto* room = find_room(reservation.id, host_id);
    if (!room || room->used >= room->instances) return false;
    change_room(session, reservation.id, host_id, {-1, 0});
    give(session, host_id, {reservation.vcpus, reservation.memory_mib});
    return true;
}

bool Claims::adopt(db::Session& session, const CapacityReservation& reservation, const Guest& guest) {
    const Amount own{guest.vcpus, guest.memory_mib};
    give(session, guest.host_id, own);
    if (!reserve(session, reservation, guest.host_id)) {
        take(session, guest.host_id, own);
        return false;
    }
    change_room(session, reservation.id, guest.host_id, {0, 1});
    return true;
}

void Claims::end_reservation(db::Session& session, const CapacityReservationId& id,
                             const std::vector<Guest>& guests) {
    const auto found = reservations_.find(id);
    if (found == reservations_.end()) return;
    session.on_rollback([this, id, before = found->second] { reservations_[id] = before; });
    const Held held = std::move(found->second);
    reservations_.erase(found);
    for (const auto& [host_id, room] : held.hosts) give(session, host_id, held.each.times(room.instances));
    for (const auto& guest : guests) take(session, guest.host_id, {guest.vcpus, guest.memory_mib});
}

std::vector<Reserved> Claims::unused(const CapacityReservationId& id) const {
    std::vector<Reserved> all;
    const auto found = reservations_.find(id);
    if (found == reservations_.end()) return all;
    for (const auto& [host_id, room] : found->second.hosts)
        if (room.instances > room.used) all.push_back({id, host_id, room.instances - room.used});
    return all;
}

std::int64_t Claims::reserved(const CapacityReservationId& id, const HostId& host_id) const {
    const auto* room = find_room(id, host_id);
    return room ? room->instances : 0;
}

const Claims::Room* Claims::find_room(const CapacityReservationId& id, const HostId& host_id) const {
    const auto found = reservations_.find(id);
    if (found == reservations_.end()) return nullptr;
    const auto host = found->second.hosts.find(host_id);
    return host == found->second.hosts.end() ? nullptr : &host->second;
}

const Claims::Room* Claims::room_of(const Guest& guest) const {
    if (guest.capacity_reservation_id.empty()) return nullptr;
    return find_room(CapacityReservationId::trusted(guest.capacity_reservation_id), guest.host_id);
}

void Claims::add_room(const CapacityReservationId& id, const HostId& host_id, const Room& change) {
    auto& hosts = reservations_[id].hosts;
    auto& room = hosts[host_id];
    room.instances += change.instances;
    room.used += change.used;
    if (room.instances == 0 && room.used == 0) hosts.erase(host_id);
}

void Claims::change_room(db::Session& session, const CapacityReservationId& id, const HostId& host_id,
                         const Room& change) {
    add_room(id, host_id, change);
    session.on_rollback([this, id, host_id, change] {
        add_room(id, host_id, {-change.instances, -change.used});
    });
}

void Claims::subtract(const HostId& id, const Amount& amount) {
    const auto* known = index_.find(id);
    if (!known) return;
    auto host = *known;
    host.free_vcpus -= amount.vcpus;
    host.free_memory_mib -= amount.memory_mib;
    index_.put(std::move(host));
}

bool Claims::take_free(db::Session& session, const HostId& id, const Amount& amount) {
    if (!index_.claim(id, amount.vcpus, amount.memory_mib)) return false;
    session.on_rollback([this, id, amount] { index_.release(id, amount.vcpus, amount.memory_mib); });
    return true;
}

void Claims::take(db::Session& session, const HostId& id, const Amount& amount) {
    subtract(id, amount);
    session.on_rollback([this, id, amount] { index_.release(id, amount.vcpus, amount.memory_mib); });
}

void Claims::give(db::Session& session, const HostId& id, const Amount& amount) {
    if (!index_.release(id, amount.vcpus, amount.memory_mib)) return;
    session.on_rollback([this, id, amount] { subtract(id, amount); });
}

}  // namespace lodge::scheduler
