// From an action's name to its handler, with the decoding and encoding around it.
#pragma once

#include <string>
#include <string_view>

#include "api/pipeline/context.h"
#include "api/query/encode.h"
#include "api/query/form.h"
#include "proto/ec2/table.h"

namespace lodge::api {

struct Dispatch {
    const ec2::ActionTable* table;
    Result<std::string> (*run)(RequestContext& context, const query::ParameterTree& parameters,
                               const query::Protocol& protocol);
};

// Null when Lodge has no such action in that service.
const Dispatch* find_dispatch(std::string_view service, std::string_view action);

}  // namespace lodge::api
