// OpenSSL's keys, and what goes in and out of them. Internal to api/keys. Errors are internal_error for what
// OpenSSL should have been able to do, invalid_key_format for what the client sent. OpenSSL's error queue is
// left empty.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

#include "api/keys/keys.h"

namespace lodge::keys {

struct PkeyFree {
    void operator()(EVP_PKEY* pkey) const { EVP_PKEY_free(pkey); }
};
using Pkey = std::unique_ptr<EVP_PKEY, PkeyFree>;

// The refusal of an import.
tl::unexpected<Error> bad_key(std::string_view why);

Result<Pkey> generate_pkey(KeyType type);
// From SSH's blob, the part of "ssh-rsa AAAA…" that is in base64 (RFC 4253, 6.6; RFC 8709, 4).
Result<Pkey> pkey_of_blob(std::string_view blob);
// From a SubjectPublicKeyInfo (RFC 5280, 4.1) and nothing behind it.
Result<Pkey> pkey_of_der(std::string_view der);

// invalid_key_format when the public key is none that EC2 takes.
Result<KeyType> accepted_type(const Pkey& pkey);

std::string_view ssh_name(KeyType type);  // "ssh-rsa"
Result<std::string> blob_of(const Pkey& pkey, KeyType type);

Result<std::string> created_fingerprint(const Pkey& pkey, KeyType type);
Result<std::string> imported_fingerprint(const Pkey& pkey, KeyType type);

// A number of an RSA key, big-endian; `name` is one of OSSL_PKEY_PARAM_RSA_*.
Result<std::string> rsa_number(const Pkey& pkey, const char* name);
// The 32 bytes of an ED25519 key's public point, and of its seed (RFC 8032, 5.1.5).
Result<std::string> ed25519_point(const Pkey& pkey);
Result<std::string> ed25519_seed(const Pkey& pkey);

}  // namespace lodge::keys
