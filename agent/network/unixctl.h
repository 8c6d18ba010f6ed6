// Asks a daemon of Open vSwitch or OVN through its control socket, as ovs-appctl does. Any thread.
#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace lodge::agent {

// The answer of `program` ("ovn-controller"), whose process ID and socket are in `rundir`, to `method`,
// without its line's end. service_unavailable with a sentence that names the program when it does not run, or
// has not answered within `timeout_ms`; io_failure when it refuses, with its words.
Result<std::string> ask_daemon(const std::string& rundir, const std::string& program,
                               const std::string& method, std::int64_t timeout_ms, const Clock& clock);

}  // namespace lodge::agent
