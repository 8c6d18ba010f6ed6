#include "scheduler/reconcile/guest_change.h"

#include "db/store/guests.h"
#include "scheduler/lifecycle/lifecycle.h"
#include "scheduler/network/instance_network.h"
#include "scheduler/reconcile/events.h"
#include "scheduler/volumes/attachments.h"

namespace lodge::scheduler {

GuestChange change_guest(db::Session& session, Claims& claims, db::instances::WithGuest& row, UnixMs now_ms,
                         const std::function<bool(Instance&, Guest&)>& change) {
    auto& [instance, guest] = row;
    bool held = holds_claim(guest.observed);
    auto before = visible_state(instance.desired, guest.observed);
    if (!change(instance, guest)) return {};
    db::guests::update(session, guest);
    db::instances::update(session, instance);
    if (held && !holds_claim(guest.observed)) claims.release(session, guest);
    network::settle_ended_guest(session, instance, guest);
    const bool asks_host = volumes::settle_ended_guest(session, instance, guest, now_ms);
    record_transition(session, instance, before, visible_state(instance.desired, guest.observed), now_ms);
    return {true, asks_host};
}

}  // namespace lodge::scheduler
