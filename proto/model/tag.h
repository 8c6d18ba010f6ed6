#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge {

struct Tag {
    std::string resource_id;
    std::string resource_type;  // EC2's word: "instance", "image", "key-pair"
    std::string key;
    std::string value;
};

// The answer to a request with a ClientToken, kept so that a retry gets it again.
struct ClientToken {
    AccountId account_id;
    std::string region;
    std::string action;
    std::string token;
    std::string fingerprint;  // of the parameters
    std::string result_id;    // the resource that the first request made
    UnixMs created_ms = 0;
};

// Something that happened to a resource, for its owner or the operator to read.
struct Event {
    std::int64_t id = 0;
    UnixMs at_ms = 0;
    AccountId account_id;  // empty: the operator's
    std::string resource_id;
    std::string kind;
    std::string message;
};

}  // namespace lodge
