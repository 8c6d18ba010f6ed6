// The operator's words looked up in the store, for explain().
#pragma once

#include <optional>
#include <string>

#include "db/driver/session.h"
#include "proto/base/result.h"
#include "scheduler/network/explain.h"

namespace lodge::network {

struct Asked {
    Place source;
    Place destination;
    World world;
};

// A place is an instance ("i-…": its first interface), an interface ("eni-…"), an address of a VPC
// ("vpc-…/10.0.0.5"), any other address, or "internet" (of the
// family that the other place's name shows, else IPv4). not_found for what is not there, invalid_input for
// what is none of these, and when neither place is Lodge's.
Result<Asked> look_up(db::Session& session, const Pools& pools, const std::string& source,
                      const std::string& destination);

// What explain() takes of a protocol, out of the operator's word for it ("TCP", "6", "icmpv6"); nothing if
// there is no such protocol.
std::optional<std::string> read_protocol(const std::string& text);

}  // namespace lodge::network
