// The deployment's own certificate authority: keys, requests, certificates, and what they say.
// Everything is PEM text in and out; nothing is read from or written to files here, and no key is ever
// logged. All functions are stateless and may be called from any thread. Failures: invalid_input for what the
// caller or a peer handed in, io_failure for what OpenSSL could not do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/random.h"
#include "proto/base/result.h"

namespace lodge::pki {

// A certificate and its private key (PKCS#8, not encrypted: the owner keeps it in a file of mode 0600).
struct Authority {
    std::string certificate_pem;
    std::string key_pem;
};

// Certificates begin five minutes before `now_ms`, for hosts whose clocks lag, and end `days` (1 to 36500)
// after it, but never later than the authority's own.
struct Validity {
    UnixMs now_ms = 0;
    int days = 0;
};

// A new P-256 key.
Result<std::string> generate_private_key_pem();

// A self-signed authority with a new P-256 key. It can sign end certificates only, no further authorities.
Result<Authority> make_authority(std::string_view common_name, const Validity& validity, Random& random);

// A certificate signing request (PKCS#10) for the key.
Result<std::string> make_request_pem(std::string_view key_pem, std::string_view common_name);

// A certificate for a server that holds `key_pem`. `names` are its subjectAltNames: DNS names (a leading "*."
// is allowed) or IP addresses; at least one.
Result<std::string> sign_server(const Authority& authority, std::string_view common_name,
                                const std::vector<std::string>& names, std::string_view key_pem,
                                const Validity& validity, Random& random);

// A client certificate for the key in `csr_pem`. Of the request nothing but the key is used, once the request
// proves to be signed with it: the subject is `common_name`, the extensions are ours. Keys other than P-256
// or RSA of 2048 to 8192 bits are refused.
Result<std::string> sign_client_request(const Authority& authority, std::string_view csr_pem,
                                        std::string_view common_name, const Validity& validity,
                                        Random& random);

// SHA-256 over the DER of the key that a request is for, in 64 lower-case hexadecimal digits.
Result<std::string> request_key_sha256(std::string_view csr_pem);

// SHA-256 over the certificate's DER, in 64 lower-case hexadecimal digits.
Result<std::string> fingerprint_sha256(std::string_view certificate_pem);

// The subject's common name, as UTF-8. A certificate with none, or several, is invalid_input.
Result<std::string> common_name(std::string_view certificate_pem);

// When the certificate ends.
Result<UnixMs> expiry_ms(std::string_view certificate_pem);

}  // namespace lodge::pki
