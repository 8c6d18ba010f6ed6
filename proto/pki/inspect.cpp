#include <array>
#include <ctime>

#include "proto/base/encoding.h"
#include "proto/pki/openssl.h"
#include "proto/pki/pki.h"

namespace lodge::pki {
namespace {

struct OpensslFree {
    void operator()(unsigned char* bytes) const { OPENSSL_free(bytes); }
};

// The only CN of the subject, or nullptr.
const ASN1_STRING* sole_common_name(const X509* certificate) {
    const X509_NAME* subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return nullptr;
    return X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
}

}  // namespace

Result<std::string> fingerprint_sha256(std::string_view certificate_pem) {
    LODGE_TRY(auto certificate, read_certificate(certificate_pem));
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) != 1)
        return openssl_failure("hashing a certificate");
    return hex_encode({reinterpret_cast<const char*>(digest.data()), size});
}

Result<std::string> request_key_sha256(std::string_view csr_pem) {
    LODGE_TRY(auto request, read_request(csr_pem));
    unsigned char* der = nullptr;
    int size = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request.get()), &der);
    if (size < 0) return openssl_failure("reading a request's key");
    std::unique_ptr<unsigned char, OpensslFree> owner(der);
    return hex_encode(sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)}));
}

Result<std::string> common_name(std::string_view certificate_pem) {
    LODGE_TRY(auto certificate, read_certificate(certificate_pem));
    const ASN1_STRING* name = sole_common_name(certificate.get());
    if (!name) return refuse("The certificate does not have one common name.");
    unsigned char* bytes = nullptr;
    int size = ASN1_STRING_to_UTF8(&bytes, name);
    if (size < 0) return openssl_failure("reading a common name");
    std::unique_ptr<unsigned char, OpensslFree> owner(bytes);
    return std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

Result<UnixMs> expiry_ms(std::string_view certificate_pem) {
    LODGE_TRY(auto certificate, read_certificate(certificate_pem));
    std::tm parts{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &parts) != 1)
        return openssl_failure("reading a certificate's end");
    return static_cast<UnixMs>(timegm(&parts)) * 1000;
}

}  // namespace lodge::pki
