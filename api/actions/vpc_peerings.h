// A peering that the account sees, for whoever refers to one.
#pragma once

#include <string>

#include "api/actions/network.h"
#include "proto/model/gateway.h"

namespace lodge::api {

Result<VpcPeering> find_peering(db::Session& session, const RequestContext& context, const std::string& id);

}  // namespace lodge::api
