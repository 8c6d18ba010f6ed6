// Hosts and the tokens by which they join.
#include "db/store/hosts.h"

#include <algorithm>

#include "api/admin/operations.h"
#include "db/store/guests.h"
#include "db/store/instances.h"
#include "db/store/volumes.h"
#include "proto/base/encoding.h"
#include "scheduler/reconcile/events.h"
#include "scheduler/reconcile/fencing.h"
#include "scheduler/volumes/pools.h"
#include "scheduler/volumes/snapshots.h"

namespace lodge::api::admin {
namespace {

constexpr std::int64_t default_ttl_s = 3600;
constexpr std::int64_t longest_ttl_s = 30LL * 86'400;

std::string_view word(scheduler::HostCondition condition) {
    switch (condition) {
        case scheduler::HostCondition::ok:
            return "ok";
        case scheduler::HostCondition::draining:
            return "draining";
        case scheduler::HostCondition::low_disk:
            return "low-disk";
        case scheduler::HostCondition::network_down:
            return "network-down";
        case scheduler::HostCondition::unreachable:
            return "unreachable";
        case scheduler::HostCondition::hypervisor_down:
            break;
    }
    return "hypervisor-down";
}

// Its agent is refused from then on; terminated instances may still name it.
bool removed(const Host& host) {
    return host.certificate_sha256.empty();
}

Result<Host> find_host(db::Session& session, const Call& call) {
    auto id = HostId::parse(call.id);
    auto host = id ? db::hosts::find(session, *id) : std::nullopt;
    if (host && !removed(*host)) return std::move(*host);
    return fail(ErrorCode::not_found, "there is no host " + call.id);
}

Status check_draining(const Host& host) {
    if (host.state == HostState::draining) return {};
    return fail(ErrorCode::conflict, "drain it first: lodge host drain " + host.id.str());
}

// What a lost host has in its storage pool: volumes, and instances that do not run.
void hand_on(db::Session& session, const Call& call, const Host& host, const HostId& to) {
    for (auto& [instance, guest] : db::instances::on_host(session, host.id)) {
        if (holds_claim(guest.observed)) continue;
        instance.host_id = to;
        db::instances::update(session, instance);
        db::guests::set_host(session, guest.id, to);
    }
    for (auto& volume : db::volumes::of_host(session, host.id)) volumes::move_volume(session, volume, to);
    session.after_commit([&hub = call.services.hub, to] { hub.changed(to); });
}

// Inside a write: the index belongs to the writer.
Json show(const Call& call, const Host& host, std::int64_t guests) {
    auto seen = call.services.hub.liveness(host.id);
    auto condition = call.services.hub.condition(host.id, host.state);
    // Not heard since this lodged was started, a moment ago: that says nothing of the host.
    const bool is_settling =
        condition == scheduler::HostCondition::unreachable && call.services.hub.settling(host.id);
    const auto* capacity = call.services.claims.index().find(host.id);
    Json out = {{"id", host.id.str()},
                {"name", host.name},
                {"zone", host.zone},
                {"architecture", host.architecture},
                {"state", std::string(to_text(host.state))},
                {"reachable", condition != scheduler::HostCondition::unreachable},
                {"condition", std::string(is_settling ? "settling" : word(condition))},
                {"accelerator", seen.accelerator},
                {"vcpus", capacity ? capacity->total_vcpus : 0},
                {"vcpus_free", capacity ? capacity->free_vcpus : 0},
                {"memory_mib", capacity ? capacity->total_memory_mib : 0},
                {"memory_free_mib", capacity ? capacity->free_memory_mib : 0},
                {"pool", capacity ? capacity->pool : ""},  // see scheduler/apply/tenancy.h
                {"storage_pool", host.storage_pool},
                {"disk_free_mib", std::max<std::int64_t>(seen.last.disk_free_mib, 0)},
                {"hypervisor_error", seen.last.hypervisor_error},
                {"network_error", seen.last.network_error},
                {"guests", guests}};
    if (seen.heard)
        out["last_heartbeat_ms_ago"] = call.services.clock.steady_ms() - seen.last_heard_steady_ms;
    return out;
}

}  // namespace

Result<Json> list_hosts(const Call& call) {
    using Counted = std::vector<std::pair<Host, std::int64_t>>;
    LODGE_TRY(auto hosts, call.services.database.read([&](db::Session& session) -> Result<Counted> {
        Counted found;
        for (auto& host : db::hosts::list(session)) {
            if (removed(host)) continue;
            auto guests = db::instances::count_on_host(session, host.id);
            found.emplace_back(std::move(host), guests);
        }
        return found;
    }));
    return call.services.database.write([&](db::Session&) -> Result<Json> {
        Json all = Json::array();
        for (const auto& [host, guests] : hosts) all.push_back(show(call, host, guests));
        return Json{{"hosts", all}};
    });
}

Result<Json> create_host_token(const Call& call) {
    const auto& zones = call.services.settings.zones;
    auto zone = text_or(call.body, "zone", zones.front().name);
    bool known = std::any_of(zones.begin(), zones.end(), [&](const Zone& each) { return each.name == zone; });
    if (!known) return fail(ErrorCode::not_found, "there is no zone " + zone);
    auto ttl_s = number_or(call.body, "ttl_s", default_ttl_s);
    if (ttl_s < 1 || ttl_s > longest_ttl_s)
        return fail(ErrorCode::invalid_input, "ttl_s is 1 to 2592000 seconds");
    auto secret = call.services.random.hex(40);
    auto expires_ms = call.services.clock.now_ms() + ttl_s * 1000;
    LODGE_CHECK(call.services.database.write([&](db::Session& session) -> Status {
        db::hosts::insert_token(session, {hex_encode(sha256(secret)), zone, expires_ms, {}, {}});
        return {};
    }));
    return Json{{"token", "lodge1." + secret + "." + call.facts.ca_sha256},
                {"zone", zone},
                {"expires", format_time(expires_ms)}};
}

Result<Json> drain_host(const Call& call) {
    auto wanted = call.body.find("draining");
    if (wanted == call.body.end() || !wanted->is_boolean())
        return fail(ErrorCode::invalid_input, "draining is missing");
    auto state = wanted->get<bool>() ? HostState::draining : HostState::active;
    return call.services.database.write([&](db::Session& session) -> Result<Json> {
        LODGE_TRY(auto host, find_host(session, call));
        if (host.state != state) {
            db::hosts::set_state(session, host.id, state);
            call.services.claims.set_condition(session, host.id, call.services.hub.condition(host.id, state));
            scheduler::record(session, call.services.clock.now_ms(), "", host.id.str(), "operator",
                              std::string(to_text(state)));
            host.state = state;
        }
        return show(call, host, db::instances::count_on_host(session, host.id));
    });
}

// Drained first, so that nothing is placed on it any more.
Result<Json> remove_host(const Call& call) {
    return call.services.database.write([&](db::Session& session) -> Result<Json> {
        LODGE_TRY(auto host, find_host(session, call));
        LODGE_CHECK(check_draining(host));
        const auto& hub = call.services.hub;
        const auto others = volumes::sharing_with(session, host);
        const auto heir =
            std::find_if(others.begin(), others.end(), [&](const HostId& id) { return hub.hears(id); });
        if (heir != others.end() && !hub.hears(host.id) && !hub.settling(host.id))
            hand_on(session, call, host, *heir);
        auto guests = db::instances::count_on_host(session, host.id);
        if (guests > 0)
            return fail(ErrorCode::conflict, std::to_string(guests) +
                                                 " guests or their disks are on it; "
                                                 "terminate their instances first");
        const auto volumes = db::volumes::of_host(session, host.id).size();
        if (volumes > 0)
            return fail(ErrorCode::conflict,
                        std::to_string(volumes) +
                            " volumes are on its disks; delete them first, or, if it is off "
                            "for good: lodge host forget-disks " +
                            call.id);
        db::hosts::set_certificate(session, host.id, "");
        scheduler::record(session, call.services.clock.now_ms(), "", host.id.str(), "operator", "removed");
        return Json::object();
    });
}

// Its agent could come back with them: it is out of use first.
Result<Json> forget_disks(const Call& call) {
    return call.services.database.write([&](db::Session& session) -> Result<Json> {
        LODGE_TRY(auto host, find_host(session, call));
        LODGE_CHECK(check_draining(host));
        if (call.services.hub.settling(host.id))
            return fail(ErrorCode::conflict,
                        "this lodged has just started, and does not know yet whether the host is heard");
        if (call.services.hub.hears(host.id))
            return fail(ErrorCode::conflict, "it is heard: its volumes can be deleted as any other");
        if (const auto guests = db::instances::count_on_host(session, host.id); guests > 0)
            return fail(ErrorCode::conflict, std::to_string(guests) +
                                                 " guests or their disks are on it; lodge host fence it, and "
                                                 "terminate their instances first");
        if (const auto others = volumes::sharing_with(session, host); !others.empty())
            return fail(ErrorCode::conflict,
                        "its volumes are in the storage pool " + host.storage_pool +
                            ", where other hosts have them: lodge host remove moves them on");
        const auto lost = volumes::lose_host(session, host.id);
        scheduler::record(session, call.services.clock.now_ms(), "", host.id.str(), "operator",
                          std::to_string(lost) + " volumes on its disks were given up");
        return Json{{"id", host.id.str()}, {"volumes_lost", lost}};
    });
}

Result<Json> fence_host(const Call& call) {
    const auto& services = call.services;
    return services.database.write([&](db::Session& session) -> Result<Json> {
        LODGE_TRY(auto host, find_host(session, call));
        LODGE_TRY(auto fenced,
                  scheduler::fence(session, services.claims, services.hub, host, services.clock.now_ms()));
        return Json{{"id", host.id.str()}, {"epoch", fenced.epoch}, {"guests_lost", fenced.guests_lost}};
    });
}

}  // namespace lodge::api::admin
