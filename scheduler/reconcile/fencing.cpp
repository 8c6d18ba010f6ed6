#include "scheduler/reconcile/fencing.h"

#include "db/store/hosts.h"
#include "db/store/instances.h"
#include "scheduler/lifecycle/lifecycle.h"
#include "scheduler/reconcile/events.h"
#include "scheduler/reconcile/guest_change.h"

namespace lodge::scheduler {

Result<Fenced> fence(db::Session& session, Claims& claims, HostHub& hub, const Host& host, UnixMs now_ms) {
    if (hub.settling(host.id))
        return fail(ErrorCode::conflict,
                    "lodged has just started and cannot tell yet whether the host is heard");
    if (hub.hears(host.id))
        return fail(ErrorCode::conflict,
                    "the host is heard: its guests run, and go on running if it is fenced");
    auto epoch = db::hosts::raise_epoch(session, host.id, now_ms);
    std::int64_t lost = 0;
    for (auto& row : db::instances::on_host(session, host.id))
        lost += change_guest(session, claims, row, now_ms, [&](Instance& instance, Guest& guest) {
                    return lose_host(instance, guest, now_ms);
                }).kept;
    record(session, now_ms, "", host.id.str(), "operator",
           "fenced: epoch " + std::to_string(epoch) + ", " + std::to_string(lost) + " guests taken for gone");
    // Not only once somebody looks: what starts next must not be placed there.
    note_condition(session, claims, host.id, HostCondition::unreachable, now_ms);
    session.after_commit([&hub, id = host.id] {
        hub.forget(id);
        hub.changed(id);
    });
    return Fenced{epoch, lost};
}

}  // namespace lodge::scheduler
