// What the actions on route tables and on routes share.
#pragma once

#include <string>

#include "api/actions/network.h"
#include "proto/model/route_table.h"

namespace lodge::api {

Result<RouteTable> find_route_table(db::Session& session, const RequestContext& context,
                                    const std::string& id);

}  // namespace lodge::api
