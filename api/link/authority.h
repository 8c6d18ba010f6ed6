// The deployment's certificate authority, kept in the database so that a backup holds it, and the files that
// the TLS listener reads, made anew at every start.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "db/driver/database.h"
#include "proto/base/clock.h"
#include "proto/base/random.h"
#include "proto/pki/pki.h"

namespace lodge::api {

struct LinkTls {
    pki::Authority authority;
    pki::Authority identity_signer;  // of instance identity documents
    std::string ca_sha256;
    std::filesystem::path ca_file;
    std::filesystem::path certificate_file;
    std::filesystem::path key_file;
};

// Loads the authority, or makes one at the first start; signs a server certificate for `names` (DNS names or
// addresses) and writes the three files into `folder` (made with mode 0700).
Result<LinkTls> prepare_link_tls(db::Database& database, const std::filesystem::path& folder,
                                 const std::vector<std::string>& names, UnixMs now_ms, Random& random);

}  // namespace lodge::api
