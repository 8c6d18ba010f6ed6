#include "scheduler/apply/claims.h"

#include <algorithm>
#include <cmath>

#include "db/store/guests.h"
#include "db/store/hosts.h"

namespace lodge::scheduler {

void Claims::load(db::Session& session) {
    index_ = CapacityIndex();
    for (const auto& host : db::hosts::list(session))
        index_.put(capacity_of(host, HostCondition::unreachable));
    std::unordered_map<HostId, HostCapacity> loaded;
    for (const auto& guest : db::guests::claiming(session)) {
        const auto* known = index_.find(guest.host_id);
        if (!known) continue;
        auto& host = loaded.try_emplace(guest.host_id, *known).first->second;
        host.free_vcpus -= guest.vcpus;
        host.free_memory_mib -= guest.memory_mib;
    }
    for (auto& [id, host] : loaded) index_.put(host);
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
    if (!index_.claim(guest.host_id, guest.vcpus, guest.memory_mib)) return false;
    session.on_rollback([this, id = guest.host_id, vcpus = guest.vcpus, memory_mib = guest.memory_mib] {
        index_.release(id, vcpus, memory_mib);
    });
    return true;
}

void Claims::release(db::Session& session, const Guest& guest) {
    if (!index_.release(guest.host_id, guest.vcpus, guest.memory_mib)) return;
    session.on_rollback([this, id = guest.host_id, vcpus = guest.vcpus, memory_mib = guest.memory_mib] {
        auto host = index_.find(id) ? *index_.find(id) : HostCapacity{};
        host.free_vcpus -= vcpus;
        host.free_memory_mib -= memory_mib;
        if (!host.id.empty()) index_.put(std::move(host));
    });
}

}  // namespace lodge::scheduler
