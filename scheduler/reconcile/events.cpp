#include "scheduler/reconcile/events.h"

#include "db/store/events.h"

namespace lodge::scheduler {

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

}  // namespace lodge::scheduler
