// A launch as other actions make one.
#pragma once

#include "api/actions/launch_request.h"

namespace lodge::api {

// Places and makes the instances of a checked request, all of MinCount or none, inside the caller's
// transaction. On failure that transaction has to be given up.
Result<ReservationId> launch_instances(db::Session& session, const RequestContext& context,
                                       const ec2::RunInstancesRequest& request, const LaunchWish& wish);

}  // namespace lodge::api
