// The launches of a fleet. Source: EC2 user guide, "Configure an EC2 Fleet of type instant".
#pragma once

#include <vector>

#include "api/actions/launch_template_data.h"
#include "proto/ec2/fleets.h"
#include "proto/model/fleet.h"

namespace lodge::api {

// One way to launch that a request offers: a configuration with one of its overrides.
struct FleetChoice {
    std::int64_t config = 0;  // both as the request counts them, from 0
    std::int64_t choice = 0;
    double weight = 1;  // units of capacity of one instance
    TemplatedLaunch launch;
};

// All ways, in the order in which they are to be tried: by priority, or those first that take least of a host
// for a unit of capacity (nothing here has a price). Errors of the templates that are named.
Result<std::vector<FleetChoice>> fleet_choices(RequestContext& context,
                                               const ec2::CreateFleetRequest& request);

// Tries one after the other until the fleet has `target` units; what each came to is in the store with its
// instances. A MinTargetCapacity has to come out of one choice: it is reached at once or nothing is launched.
Status launch_fleet(RequestContext& context, const Fleet& fleet, const ec2::CreateFleetRequest& request,
                    const std::vector<FleetChoice>& choices, std::int64_t target);

}  // namespace lodge::api
