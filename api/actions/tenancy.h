// Tenancy as launches, starts and changes of instances speak of it: hosts shared with others, a machine with
// the account's own instances alone, or a dedicated host.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/pipeline/context.h"
#include "proto/ec2/instances.h"
#include "proto/model/dedicated_host.h"
#include "proto/model/instance.h"
#include "scheduler/placement/place.h"

namespace lodge::api {

struct TenancyWish {
    std::string tenancy = "default";  // "dedicated", "host"
    std::string affinity;             // of "host": "default", "host"
    std::string host_id;              // of "host": a dedicated host's ID; empty: any that takes it
};

// InvalidParameterCombination for what does not go together.
Result<TenancyWish> tenancy_wish(const std::optional<ec2::PlacementRequest>& placement);

// Places instances of that type by their tenancy; `request` says everything else. Errors:
// InsufficientInstanceCapacity, and of dedicated hosts InsufficientCapacityOnHost, InvalidHostID.Malformed
// and .NotFound, InvalidHostState for a released one, InvalidParameterCombination for one that takes other
// types or is in another zone. In the transaction that claims, which has to be given up on failure.
Result<scheduler::Plan> place_by_tenancy(db::Session& session, const RequestContext& context,
                                         const TenancyWish& wish, const std::string& instance_type,
                                         const scheduler::Request& request);

// The same where the instance's root disk is.
Result<scheduler::Plan> place_again_by_tenancy(db::Session& session, const RequestContext& context,
                                               const Instance& instance, const scheduler::Request& request);

// Writes the tenancy into the record of an instance that is placed on that machine.
void put_tenancy(db::Session& session, Instance& instance, const TenancyWish& wish, const HostId& machine);

// What ModifyInstancePlacement says.
struct TenancyChange {
    std::optional<std::string> tenancy;
    std::optional<std::string> affinity;
    std::optional<std::string> host_id;
};

// Changes a stopped instance's record. Errors: InvalidTenancy from or to "default", UnsupportedOperation for
// a dedicated host that does not hold the root disk, and those of a launch there.
Status change_tenancy(db::Session& session, const RequestContext& context, const TenancyChange& change,
                      Instance& instance);

// Whether the dedicated host takes instances of the type.
bool takes(const DedicatedHost& host, std::string_view instance_type);
// "m5" of "m5.large".
std::string family_of(std::string_view instance_type);

// One that is not released. Errors: InvalidHostID.Malformed and .NotFound, InvalidHostState.
Result<DedicatedHost> find_held_host(db::Session& session, const RequestContext& context,
                                     const std::string& id);

}  // namespace lodge::api
