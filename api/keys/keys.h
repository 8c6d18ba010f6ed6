// Key pairs as CreateKeyPair and ImportKeyPair deal in them: made, read, and fingerprinted as EC2 does it.
// Source: EC2 API reference, CreateKeyPair, ImportKeyPair, KeyPairInfo; EC2 user guide, "Verify the
// fingerprint of your key pair" and "Create a key pair". Pure functions but for the system's randomness; any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace lodge::keys {

enum class KeyType { rsa, ed25519 };
enum class KeyFormat { pem, ppk };

// "rsa", "ed25519": KeyType in the API.
std::string_view to_text(KeyType type);

struct NewKey {
    KeyType type;
    // The only copy. For the answer to the client, and neither to be kept nor logged.
    std::string private_key;
    std::string public_key;  // "ssh-rsa AAAA… comment", no line end
    // RSA: SHA-1 of the private key's PKCS#8 DER, "1f:51:…". ED25519: as in ImportedKey.
    std::string fingerprint;
};

struct ImportedKey {
    KeyType type;
    std::string
        public_key;  // "ssh-rsa AAAA… comment", with the comment that came with it if any, no line end
    std::string comment;
    // RSA: MD5 of the SubjectPublicKeyInfo DER, "1f:51:…" (the reference says RFC 4716, which hashes other
    // bytes; EC2 does not). ED25519: SHA-256 of the SSH blob, base64 with its '=', without the "SHA256:" of
    // ssh-keygen.
    std::string fingerprint;
};

// Larger material is refused unread. An RSA key of 4096 bits takes under 1 KiB in any of the forms.
inline constexpr std::size_t max_material_size = std::size_t{8} * 1024;

// A new key pair. RSA has 2048 bits, and takes around 0.1 s to find: not for a thread that others wait on.
//   rsa + pem      PKCS#1, "-----BEGIN RSA PRIVATE KEY-----"
//   ed25519 + pem  OpenSSH's own format, "-----BEGIN OPENSSH PRIVATE KEY-----"
//   ppk            PuTTY's format, version 2, which all versions of PuTTY read
// None is encrypted. `comment` is the key's name; control characters in it become '_'.
Result<NewKey> generate(KeyType type, KeyFormat format, std::string_view comment);

// The public key in `material`, which is what the API call carries after its base64 is taken off: an OpenSSH
// line, an SSH2 file (RFC 4716), a PEM "PUBLIC KEY", or SubjectPublicKeyInfo as DER or as base64 of DER.
// invalid_key_format for anything else, two keys at once, options before the key, a kind other than RSA and
// ED25519, and an RSA key of other than 1024, 2048, 3072 or 4096 bits. (3072 is not in EC2's documentation,
// but is what ssh-keygen makes by default, and EC2 takes it.)
Result<ImportedKey> import_public(std::string_view material);

}  // namespace lodge::keys
