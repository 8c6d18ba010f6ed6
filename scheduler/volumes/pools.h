// Hosts that keep volumes in one place, a file system that all of them have mounted: there a volume goes from
// host to host without its data being moved.
#pragma once

#include <string>
#include <vector>

#include "db/driver/session.h"
#include "proto/base/ids.h"
#include "proto/model/host.h"
#include "proto/model/volume.h"

namespace lodge::volumes {

// Names what the host keeps volumes in: the same for all hosts that share it. Volumes belong to a zone,
// whatever its hosts have mounted.
std::string storage_of(const Host& host);

// Whether what one host has the other one can have at once; of one host with itself it can.
bool share_storage(db::Session& session, const HostId& one, const HostId& other);

// The others that can have what the host has, in any order.
std::vector<HostId> sharing_with(db::Session& session, const Host& host);

// Whether the volume's host may be about to cut it, or to send what was cut: until it has, or is out of use,
// nobody else is to have its files.
bool is_being_sent(db::Session& session, const Volume& volume);

// The volume, which no guest has, is that host's from now on, with what its snapshots wait for; written.
void move_volume(db::Session& session, Volume& volume, const HostId& to);

}  // namespace lodge::volumes
