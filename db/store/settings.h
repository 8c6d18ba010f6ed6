#pragma once

#include <optional>
#include <string>

#include "db/driver/session.h"

namespace lodge::db::settings {

// Facts of the deployment as a whole, such as the key that signs paging tokens.
std::optional<std::string> get(Session& session, std::string_view name);
void put(Session& session, std::string_view name, std::string_view value);

}  // namespace lodge::db::settings
