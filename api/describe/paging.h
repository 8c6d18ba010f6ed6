// NextToken: opaque to clients, signed so that rubbish is told apart, and a position in the sort order rather
// than a count, so that deletions between two pages neither skip nor repeat anything.
#pragma once

#include <string>
#include <string_view>

#include "api/pipeline/context.h"
#include "proto/base/result.h"

namespace lodge::describe {

// `position` is the sort key of the last record that was returned. Good for this action, account and region
// only.
std::string make_token(const api::RequestContext& context, std::string_view position);
// InvalidNextToken for anything make_token() did not make for this action, account and region.
Result<std::string> read_token(const api::RequestContext& context, std::string_view token);

}  // namespace lodge::describe
