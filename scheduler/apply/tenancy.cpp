#include "scheduler/apply/tenancy.h"

#include <algorithm>
#include <set>

#include "scheduler/apply/claims.h"

namespace lodge::scheduler {
namespace {

constexpr std::string_view tenants_prefix = "dedicated/";

using Outcome = tl::expected<Plan, NoCapacity>;

// One zone's try: the plan, and the machines that became the account's for it.
struct Try {
    Outcome outcome;
    std::vector<HostId> machines;

    std::int64_t instances() const { return outcome ? std::ssize(outcome->hosts) : 0; }
};

// Those that the plan does not use are everybody's again.
void give_back(db::Session& session, Claims& claims, const Try& made, bool all) {
    for (const auto& id : made.machines) {
        const bool used = !all && made.outcome &&
                          std::find(made.outcome->hosts.begin(), made.outcome->hosts.end(), id) !=
                              made.outcome->hosts.end();
        if (!used) claims.set_pool(session, id, "");
    }
}

Try try_zone(db::Session& session, Claims& claims, const Request& request) {
    Try made{place(claims.index(), request), {}};
    while (made.instances() < request.max_count) {
        const auto empty =
            claims.index().empty_host(request.zone, request.architecture, request.vcpus, request.memory_mib);
        if (!empty) break;
        claims.set_pool(session, *empty, request.pool);
        made.machines.push_back(*empty);
        made.outcome = place(claims.index(), request);
    }
    return made;
}

Outcome place_again_alone(db::Session& session, Claims& claims, const Request& request) {
    const auto* host = claims.index().find(*request.pinned);
    if (host && host->pool.empty() && is_empty(*host))
        claims.set_pool(session, *request.pinned, request.pool);
    return place(claims.index(), request);
}

}  // namespace

std::string tenants_pool(const AccountId& account_id) {
    return std::string(tenants_prefix) + account_id;
}

bool is_tenants(std::string_view pool) {
    return pool.starts_with(tenants_prefix);
}

Outcome place_alone(db::Session& session, Claims& claims, const AccountId& account_id, Request request) {
    request.pool = tenants_pool(account_id);
    if (request.pinned) return place_again_alone(session, claims, request);
    std::set<std::string> zones(request.zones.begin(), request.zones.end());
    if (!request.zone.empty()) zones = {request.zone};
    std::optional<Try> best;
    for (const auto& zone : zones) {
        request.zone = zone;
        auto made = try_zone(session, claims, request);
        if (best && made.instances() <= best->instances()) {
            give_back(session, claims, made, true);
            continue;
        }
        if (best) give_back(session, claims, *best, true);
        best = std::move(made);
        if (best->instances() >= request.max_count) break;
    }
    if (!best) return place(claims.index(), request);
    give_back(session, claims, *best, false);
    return std::move(best->outcome);
}

Outcome place_among(const Claims& claims, const std::vector<HostId>& machines, Request request) {
    CapacityIndex small;
    for (const auto& id : machines) {
        const auto* host = claims.index().find(id);
        if (!host) continue;
        auto open = *host;
        open.pool.clear();
        small.put(std::move(open));
    }
    request.pool.clear();
    return place(small, request);
}

}  // namespace lodge::scheduler
