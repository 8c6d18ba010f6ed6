// What `lodge doctor` asks for that nothing else tells, and what it mends.
#include "api/admin/operations.h"
#include "db/store/instances.h"
#include "db/store/volumes.h"
#include "scheduler/lifecycle/lifecycle.h"
#include "scheduler/reconcile/events.h"

namespace lodge::api::admin {
namespace {

constexpr std::size_t told_instances = 100;

Json show_unknown(db::Session& session, const scheduler::Leftovers::Unknown& each) {
    auto instance = each.is_guest ? db::instances::find_any(session, each.instance_id) : std::nullopt;
    return {
        {"host_id", each.host_id.str()},         {"kind", each.is_guest ? "guest" : "disk"}, {"id", each.id},
        {"instance_id", each.instance_id.str()}, {"instance_known", instance.has_value()},   {"on", each.on}};
}

// Those that nobody stopped.
Json ended_by_themselves(db::Session& session) {
    Json all = Json::array();
    for (const auto& [instance, guest] : db::instances::with_reason(session, "Server.InternalError")) {
        if (scheduler::visible_state(instance.desired, guest.observed) != InstanceState::stopped) continue;
        if (all.size() == told_instances) break;
        all.push_back({{"id", instance.id.str()},
                       {"host_id", instance.host_id.str()},
                       {"reason", instance.state_reason}});
    }
    return all;
}

Json missing_disks(db::Session& session, const Call& call) {
    Json all = Json::array();
    for (const auto& [host_id, volumes] : call.facts.leftovers->missing())
        for (const auto& id : volumes) {
            const auto volume = db::volumes::find_any(session, id);
            if (!volume) continue;
            all.push_back({{"id", id.str()},
                           {"host_id", host_id.str()},
                           {"instance_id", volume->instance_id.str()},
                           {"snapshot_id", volume->below_id.str()}});
        }
    return all;
}

// By how much the date and the time since the start disagree.
std::int64_t calendar_set_ms(const Call& call) {
    const auto& clock = call.services.clock;
    return clock.now_ms() - clock.steady_ms() - call.facts.calendar_ahead_ms;
}

}  // namespace

Result<Json> diagnosis(const Call& call) {
    return call.services.database.read([&](db::Session& session) -> Result<Json> {
        Json unknown = Json::array();
        for (const auto& each : call.facts.leftovers->unknown())
            unknown.push_back(show_unknown(session, each));
        Json restored = Json::array();
        for (const auto& host : call.facts.leftovers->restored()) restored.push_back(host.str());
        return Json{{"calendar_set_ms", calendar_set_ms(call)},
                    {"keys_problem", call.facts.keys_problem},
                    {"unknown", unknown},
                    {"hosts_of_newer_epoch", restored},
                    {"ended_by_themselves", ended_by_themselves(session)},
                    {"missing_disks", missing_disks(session, call)}};
    });
}

// The host hears of it when it asks next.
Result<Json> discard(const Call& call) {
    LODGE_TRY(auto host_id, text(call.body, "host_id"));
    auto host = HostId::parse(host_id);
    if (!host || !call.facts.leftovers->give_up(*host, call.id))
        return fail(ErrorCode::not_found,
                    "the host " + host_id + " tells of no unknown guest or disk " + call.id);
    return call.services.database.write([&](db::Session& session) -> Result<Json> {
        scheduler::record(session, call.services.clock.now_ms(), "", host_id, "operator",
                          "discarded " + call.id);
        return Json{{"id", call.id}, {"host_id", host_id}};
    });
}

}  // namespace lodge::api::admin
