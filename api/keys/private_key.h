// Private keys as files, unencrypted. Internal to api/keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/keys/pkey.h"

namespace lodge::keys {

// PKCS#1 in PEM, "-----BEGIN RSA PRIVATE KEY-----" (RFC 8017, A.1.2).
Result<std::string> rsa_pem(const Pkey& pkey);

// OpenSSH's format, "-----BEGIN OPENSSH PRIVATE KEY-----" (OpenSSH, PROTOCOL.key). `check` is any number:
// readers only look whether it is there twice. The last line needs its line end.
Result<std::string> openssh_ed25519(const Pkey& pkey, std::string_view comment, std::uint32_t check);

// PuTTY's format, version 2 (PuTTY manual, appendix "PPK file format").
Result<std::string> ppk(const Pkey& pkey, KeyType type, std::string_view comment);

// Bytes in base64, `columns` a line, each with a line end.
std::string base64_lines(std::string_view bytes, std::size_t columns);

// All that generate() gives, for a key that is there. `comment` must be one line.
Result<NewKey> new_key(const Pkey& pkey, KeyType type, KeyFormat format, std::string_view comment,
                       std::uint32_t check);

}  // namespace lodge::keys
