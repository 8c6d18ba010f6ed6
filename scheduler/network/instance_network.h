// What becomes of an instance's interfaces as its guests come and go. Inside the caller's transaction; the
// VPCs' revisions are raised here where their networks change.
#pragma once

#include <vector>

#include "db/driver/session.h"
#include "proto/base/cidr.h"
#include "proto/base/random.h"
#include "proto/model/guest.h"
#include "proto/model/instance.h"
#include "proto/model/network_interface.h"

namespace lodge::network {

// Gives the interface an address of the pool, if it is one that gets one whenever its instance starts, and no
// elastic address leads to its primary one. False when the pool has run out.
bool take_launch_address(db::Session& session, const std::vector<Cidr>& pool, NetworkInterface& interface,
                         Random& random);

// Gives that address back to the pool. Whether there was one.
bool free_launch_address(db::Session& session, NetworkInterface& interface);

// Takes in that the instance's guest has no domain any more, or never had one: addresses of the pool are
// free, attachments that were on their way are settled, and if the instance is to be terminated its
// interfaces go or become available. Does nothing while the guest may run, and nothing the second time.
void settle_ended_guest(db::Session& session, const Instance& instance, const Guest& guest);

}  // namespace lodge::network
