// What a guest's metadata needs of the control plane: its user data, and its instance identity document,
// signed by the deployment. Source: Amazon EC2 User Guide, "Instance identity documents for Amazon EC2
// instances".
#pragma once

#include <string>

#include "db/driver/database.h"
#include "proto/agent/messages.h"
#include "proto/base/clock.h"
#include "proto/base/random.h"
#include "proto/pki/documents.h"

namespace lodge::api {

// The deployment's signer, kept in the database so that a backup holds it; made at the first start.
Result<pki::Authority> load_identity_signer(db::Database& database, UnixMs now_ms, Random& random);

// NotFound unless the guest is the present one of an instance, and on that host.
Result<link::LaunchDataReply> launch_data(db::Database& database, const pki::Authority& signer,
                                          const HostId& host_id, const GuestId& guest_id);

}  // namespace lodge::api
