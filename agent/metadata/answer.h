// One request to the metadata service, answered: pure. Who asks is known by the network it came from, never
// by what it says. Source: Amazon EC2 User Guide, "Use the Instance Metadata Service to access instance
// metadata".
#pragma once

#include <string>

#include "agent/metadata/tokens.h"
#include "agent/metadata/tree.h"
#include "proto/http/server.h"

namespace lodge::agent {

// A guest as the service knows it. Immutable.
struct MetadataGuest {
    InstanceId instance_id;
    bool http_endpoint = true;
    bool http_tokens_required = false;
    int hop_limit = 1;  // of replies with a token
    MetadataTree tree;
};

http::Response answer_metadata(const MetadataGuest& guest, const http::Request& request,
                               const TokenSeal& seal, UnixMs now_ms);

}  // namespace lodge::agent
