#pragma once

#include <optional>
#include <string>

#include "db/driver/session.h"
#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge::db::consoles {

struct Output {
    std::string bytes;
    UnixMs captured_ms = 0;
};

void put(Session& session, const InstanceId& id, const Output& output);
std::optional<Output> get(Session& session, const InstanceId& id);

}  // namespace lodge::db::consoles
