// Network interfaces as targets of routes and elastic addresses.
#pragma once

#include <string>

#include "api/actions/network.h"
#include "proto/model/network_interface.h"

namespace lodge::api {

Result<NetworkInterface> find_interface(db::Session& session, const RequestContext& context,
                                        const std::string& id);

// An instance stands for its interface as long as it has just one; with more the request must name the
// interface (InvalidInstanceID).
Result<NetworkInterface> only_interface_of(db::Session& session, const RequestContext& context,
                                           const std::string& instance_id);

}  // namespace lodge::api
