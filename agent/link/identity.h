// Who this host is to its control plane: what joining gave it, kept in the agent's folder.
#pragma once

#include <filesystem>
#include <string>

#include "proto/base/result.h"
#include "proto/model/host.h"

namespace lodge::agent {

// Files in the agent's folder; the key never leaves it.
struct Identity {
    HostId host_id;
    std::string server;  // "127.0.0.1:8774"
    std::filesystem::path ca_file;
    std::filesystem::path certificate_file;
    std::filesystem::path key_file;
};

// What an earlier join left; not_found when there is none.
Result<Identity> load_identity(const std::filesystem::path& folder);

// Joins with a one-time token ("lodge1.SECRET.FINGERPRINT", from `lodge host token`): fetches the control
// plane's authority, makes sure that it has the token's fingerprint, and has a certificate signed for a new
// key, or for that of an earlier try whose answer got lost. Errors: invalid_input for a token or an authority
// that is not what the token says; service_unavailable when nobody answers; otherwise the control plane's
// own.
Result<Identity> join(const std::filesystem::path& folder, const std::string& server,
                      const std::string& token);

}  // namespace lodge::agent
