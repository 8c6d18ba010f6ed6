#include "scheduler/reconcile/fencing.h"

#include "db/store/guests.h"
#include "db/store/hosts.h"
#include "db/store/instances.h"
#include "scheduler/lifecycle/lifecycle.h"
#include "scheduler/network/instance_network.h"
#include "scheduler/reconcile/events.h"

namespace lodge::scheduler {
namespace {

bool lose(db::Session& session, Claims& claims, db::instances::WithGuest& row, UnixMs now_ms) {
    auto before = visible_state(row.instance.desired, row.guest.observed);
    bool held = holds_claim(row.guest.observed);
    if (!lose_host(row.instance, row.guest, now_ms)) return false;
    db::guests::update(session, row.guest);
    db::instances::update(session, row.instance);
    if (held) claims.release(session, row.guest);
    network::settle_ended_guest(session, row.instance, row.guest);
    record_transition(session, row.instance, before, visible_state(row.instance.desired, row.guest.observed),
                      now_ms);
    return true;
}

}  // namespace

Result<Fenced> fence(db::Session& session, Claims& claims, HostHub& hub, const Host& host, UnixMs now_ms) {
    if (hub.settling(host.id))
        return fail(ErrorCode::conflict,
                    "lodged has just started and cannot tell yet whether the host is heard");
    if (hub.hears(host.id))
        return fail(ErrorCode::conflict,
                    "the host is heard: its guests run, and go on running if it is fenced");
    auto epoch = db::hosts::raise_epoch(session, host.id, now_ms);
    std::int64_t lost = 0;
    for (auto& row : db::instances::on_host(session, host.id)) lost += lose(session, claims, row, now_ms);
    record(session, now_ms, "", host.id.str(), "operator",
           "fenced: epoch " + std::to_string(epoch) + ", " + std::to_string(lost) + " guests taken for gone");
    session.after_commit([&hub, id = host.id] {
        hub.forget(id);
        hub.changed(id);
    });
    return Fenced{epoch, lost};
}

}  // namespace lodge::scheduler
