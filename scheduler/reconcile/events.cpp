#include "scheduler/reconcile/events.h"

#include <spdlog/spdlog.h>

#include "db/store/events.h"

namespace lodge::scheduler {
namespace {

std::string_view condition_text(HostCondition condition) {
    switch (condition) {
        case HostCondition::ok:
            return "ready";
        case HostCondition::draining:
            return "draining: it takes no new instances";
        case HostCondition::low_disk:
            return "short of disk space: it takes no new instances";
        case HostCondition::network_down:
            return "without a working network: it takes no new instances";
        case HostCondition::unreachable:
            return "unreachable: its agent is not heard; its guests may well run";
        case HostCondition::hypervisor_down:
            break;
    }
    return "not schedulable: its hypervisor does not answer";
}

}  // namespace

void record(db::Session& session, UnixMs now_ms, const AccountId& account_id, std::string_view resource_id,
            std::string_view kind, std::string_view message) {
    db::events::insert(
        session, {0, now_ms, account_id, std::string(resource_id), std::string(kind), std::string(message)});
}

void record_transition(db::Session& session, const Instance& instance, InstanceState before,
                       InstanceState after, UnixMs now_ms) {
    if (before == after) return;
    std::string message = std::string(to_text(before)) + " -> " + std::string(to_text(after));
    if (!instance.state_reason.empty()) message += " (" + instance.state_reason + ")";
    record(session, now_ms, instance.account_id, instance.id.str(), "state", message);
}

void note_condition(db::Session& session, Claims& claims, const HostId& host_id, HostCondition now,
                    UnixMs now_ms) {
    const auto* indexed = claims.index().find(host_id);
    if (!indexed || indexed->condition == now) return;
    claims.set_condition(session, host_id, now);
    record(session, now_ms, "", host_id.str(), "condition", condition_text(now));
    session.after_commit(
        [id = host_id.str(), now] { spdlog::info("host {} is {}", id, condition_text(now)); });
}

}  // namespace lodge::scheduler
