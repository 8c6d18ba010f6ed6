// Signed documents: what EC2's instance identity document is. Same rules as pki.h's.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/random.h"
#include "proto/base/result.h"
#include "proto/pki/pki.h"

namespace lodge::pki {

// A self-signed certificate with a new RSA key of 2048 bits, for signing documents and nothing else.
Result<Authority> make_document_signer(std::string_view common_name, const Validity& validity,
                                       Random& random);

// RSA (PKCS #1 v1.5) with SHA-256 over the bytes; raw.
Result<std::string> sign_bytes(const Authority& signer, std::string_view bytes);
// PKCS #7 signed data (RFC 2315), with the bytes and the certificate inside; DER.
Result<std::string> sign_pkcs7(const Authority& signer, std::string_view bytes);

}  // namespace lodge::pki
