// What a host is to have: rows in, messages out.
#pragma once

#include <vector>

#include "db/driver/session.h"
#include "proto/agent/messages.h"

namespace lodge::scheduler {

// Every guest whose domain or disk is, or is to be, on the host.
std::vector<link::DesiredGuest> desired_guests(db::Session& session, const HostId& host_id);

}  // namespace lodge::scheduler
