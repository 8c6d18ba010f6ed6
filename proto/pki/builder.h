// Inside proto/pki only: a certificate while it is made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/base/random.h"
#include "proto/pki/openssl.h"
#include "proto/pki/pki.h"

namespace lodge::pki {

// Call the setters in any order, `sign` last. The first failure sticks and is what `sign` returns.
class Builder {
  public:
    // Version 3, a random serial of 128 bits, the subject and its key.
    Builder(X509_NAME* subject, EVP_PKEY* subject_key, Random& random);

    // The validity. `not_after_limit`, where given, is another certificate's end that this one may not pass.
    void set_validity(const Validity& validity, const ASN1_TIME* not_after_limit);
    // Names the issuer and links to its key. An authority is its own issuer: pass nullptr.
    void set_issuer(X509* issuer);
    // One extension in OpenSSL's configuration language. `value` is never made of a caller's text.
    void add_extension(int nid, const char* value);
    // subjectAltNames, as structures. invalid_input for what is neither a DNS name nor an address.
    void add_names(const std::vector<std::string>& names);

    // Signs with SHA-256 and gives the PEM.
    Result<std::string> sign(EVP_PKEY* issuer_key);

  private:
    void check(bool ok);

    CertificatePtr certificate_;
    X509* issuer_ = nullptr;
    Status status_;
};

}  // namespace lodge::pki
