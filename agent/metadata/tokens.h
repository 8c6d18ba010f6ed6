// Session tokens of the metadata service's version 2. Nothing is kept of them: a token is its expiry, sealed
// for one instance with this host's key, so that it outlives a restart of the agent and costs no memory.
// Source: Amazon EC2 User Guide, "How Instance Metadata Service Version 2 works".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge::agent {

inline constexpr std::int64_t longest_token_s = 21'600;

// Immutable; any thread.
class TokenSeal {
  public:
    // `key`: 32 random bytes that nobody else has.
    explicit TokenSeal(std::string key) : key_(std::move(key)) {}

    std::string make(const InstanceId& instance_id, std::int64_t ttl_s, UnixMs now_ms) const;
    bool is_good(std::string_view token, const InstanceId& instance_id, UnixMs now_ms) const;

  private:
    std::string seal(const InstanceId& instance_id, std::string_view expiry) const;

    const std::string key_;
};

}  // namespace lodge::agent
