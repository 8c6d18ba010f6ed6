// The attachment of a network interface to an instance. Source: EC2 reference, "AttachNetworkInterface",
// "DetachNetworkInterface", "NetworkInterfaceAttachment".
//
//              begin_attach           note_plugged          begin_detach             note_plugged
//      [none] --------------> [attaching] -------> [attached] ------------> [detaching] -------> [none]
//
// Without a guest that runs, attaching and detaching take no time; an attaching interface may be detached
// too. What is asked of a guest is read from these states; what an agent says of it moves them on. Everything
// runs in the caller's transaction and writes the record. An interface that becomes free raises its VPC's
// revision.
#pragma once

#include <set>

#include "db/driver/session.h"
#include "proto/base/random.h"
#include "proto/model/instance.h"
#include "proto/model/network_interface.h"

namespace lodge::network {

// `live`: the instance has a guest that still must plug it in. At launch nothing is live: the guest comes
// into being with it.
void begin_attach(db::Session& session, NetworkInterface& interface, const Instance& instance,
                  std::int64_t device_index, bool delete_on_termination, bool live, UnixMs now_ms,
                  Random& random);

// `live`: the instance has a guest that still must let it go.
void begin_detach(db::Session& session, NetworkInterface& interface, bool live);

// An agent's word on a running guest, which must be about the instance's present generation: an older one
// says nothing of interfaces that were attached since. Attaching ones that are plugged in become attached,
// detaching ones that are not are free. Returns whether anything has changed; repeated, nothing does.
bool note_plugged(db::Session& session, const InstanceId& instance_id,
                  const std::set<NetworkInterfaceId>& plugged);

// The instance has no domain any more: detaching ones are free, attaching ones wait, attached, for the next.
bool settle_attachments_of_ended_guest(db::Session& session, const InstanceId& instance_id);

}  // namespace lodge::network
