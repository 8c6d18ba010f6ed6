#include "scheduler/apply/claims.h"

#include <algorithm>
#include <cmath>

#include "db/store/guests.h"
#include "db/store/hosts.h"

namespace lodge::scheduler {

void Claims::load(db::Session& session) {
    index_ = CapacityIndex();
    for (const auto& host : db::hosts::list(session)) put_host(host, HostCondition::unreachable);
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

void Claims::put_host(const Host& host, HostCondition condition) {
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
    if (const auto* known = index_.find(host.id)) {
        capacity.free_vcpus -= known->total_vcpus - known->free_vcpus;
        capacity.free_memory_mib -= known->total_memory_mib - known->free_memory_mib;
    }
    index_.put(std::move(capacity));
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
