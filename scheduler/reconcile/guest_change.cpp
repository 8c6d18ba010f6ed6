#include "scheduler/reconcile/guest_change.h"

#include "db/store/guests.h"
#include "db/store/volumes.h"
#include "scheduler/lifecycle/lifecycle.h"
#include "scheduler/network/instance_network.h"
#include "scheduler/reconcile/events.h"

namespace lodge::scheduler {

bool change_guest(db::Session& session, Claims& claims, db::instances::WithGuest& row, UnixMs now_ms,
                  const std::function<bool(Instance&, Guest&)>& change) {
    auto& [instance, guest] = row;
    bool held = holds_claim(guest.observed);
    auto before = visible_state(instance.desired, guest.observed);
    if (!change(instance, guest)) return false;
    db::guests::update(session, guest);
    db::instances::update(session, instance);
    if (guest.observed == Observed::removed) db::volumes::erase(session, instance.root_volume_id);
    if (held && !holds_claim(guest.observed)) claims.release(session, guest);
    network::settle_ended_guest(session, instance, guest);
    record_transition(session, instance, before, visible_state(instance.desired, guest.observed), now_ms);
    return true;
}

}  // namespace lodge::scheduler
