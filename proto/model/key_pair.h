#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"

namespace lodge {

struct KeyPair {
    KeyPairId id;
    AccountId account_id;
    std::string region;
    std::string name;
    std::string type;  // "rsa", "ed25519"
    std::string fingerprint;
    std::string public_key;  // OpenSSH's one-line form
    UnixMs created_ms = 0;
};

}  // namespace lodge
