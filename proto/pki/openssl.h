// Inside proto/pki only: OpenSSL's objects with owners, and its errors as ours.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace lodge::pki {

template <auto release>
struct Releaser {
    template <class T>
    void operator()(T* object) const {
        release(object);
    }
};

using BioPtr = std::unique_ptr<BIO, Releaser<BIO_free_all>>;
using BignumPtr = std::unique_ptr<BIGNUM, Releaser<BN_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Releaser<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Releaser<X509_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Releaser<X509_REQ_free>>;
using NamePtr = std::unique_ptr<X509_NAME, Releaser<X509_NAME_free>>;
using TimePtr = std::unique_ptr<ASN1_TIME, Releaser<ASN1_TIME_free>>;
using StringPtr = std::unique_ptr<ASN1_STRING, Releaser<ASN1_STRING_free>>;
using GeneralNamePtr = std::unique_ptr<GENERAL_NAME, Releaser<GENERAL_NAME_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Releaser<GENERAL_NAMES_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Releaser<X509_EXTENSION_free>>;

// io_failure "`what`: <OpenSSL's reason>". Empties this thread's error queue.
tl::unexpected<Error> openssl_failure(std::string_view what);

// invalid_input, after a check by OpenSSL that the input did not pass. Empties the queue too.
tl::unexpected<Error> refuse(std::string_view why);

// Each reads the first PEM block of its kind; anything else is invalid_input. An encrypted key is refused.
Result<KeyPtr> read_key(std::string_view pem);
Result<CertificatePtr> read_certificate(std::string_view pem);
Result<RequestPtr> read_request(std::string_view pem);

Result<std::string> key_to_pem(EVP_PKEY* key);
Result<std::string> certificate_to_pem(X509* certificate);
Result<std::string> request_to_pem(X509_REQ* request);

// Whether the key is of a kind that we certify: P-256, or RSA of 2048 to 8192 bits. invalid_input says why
// not.
Status check_key(EVP_PKEY* key);
Result<KeyPtr> generate_key();

// A subject of one CN. invalid_input unless it is 1 to 64 bytes of UTF-8 without control characters.
Result<NamePtr> make_name(std::string_view common_name);

}  // namespace lodge::pki
