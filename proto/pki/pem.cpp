#include <openssl/err.h>
#include <openssl/pem.h>

#include "proto/pki/openssl.h"

namespace lodge::pki {
namespace {

constexpr std::size_t max_pem_bytes = 256UL * 1024;

// Keeps OpenSSL from asking for a pass phrase on the terminal.
int no_pass_phrase(char*, int, int, void*) {
    return -1;
}

Result<BioPtr> reader(std::string_view pem) {
    if (pem.size() > max_pem_bytes) return fail(ErrorCode::invalid_input, "The PEM text is too long.");
    BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (!bio) return openssl_failure("reading PEM");
    return bio;
}

template <class Ptr, class Read>
Result<Ptr> read_pem(std::string_view pem, Read read, std::string_view complaint) {
    LODGE_TRY(auto bio, reader(pem));
    Ptr object(read(bio.get(), nullptr, no_pass_phrase, nullptr));
    if (!object) return refuse(complaint);
    return object;
}

template <class Write>
Result<std::string> write_pem(Write write) {
    BioPtr bio(BIO_new(BIO_s_mem()));
    if (!bio || write(bio.get()) != 1) return openssl_failure("writing PEM");
    char* data = nullptr;
    auto size = BIO_get_mem_data(bio.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

tl::unexpected<Error> openssl_failure(std::string_view what) {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    auto text = std::string(what) + ": " + (reason ? reason : "unknown OpenSSL error");
    ERR_clear_error();
    return fail(ErrorCode::io_failure, text);
}

tl::unexpected<Error> refuse(std::string_view why) {
    ERR_clear_error();
    return fail(ErrorCode::invalid_input, why);
}

Result<KeyPtr> read_key(std::string_view pem) {
    return read_pem<KeyPtr>(pem, PEM_read_bio_PrivateKey, "This is not an unencrypted private key in PEM.");
}

Result<CertificatePtr> read_certificate(std::string_view pem) {
    return read_pem<CertificatePtr>(pem, PEM_read_bio_X509, "This is not a certificate in PEM.");
}

Result<RequestPtr> read_request(std::string_view pem) {
    return read_pem<RequestPtr>(pem, PEM_read_bio_X509_REQ, "This is not a certificate request in PEM.");
}

Result<std::string> key_to_pem(EVP_PKEY* key) {
    return write_pem([key](BIO* bio) {
        return PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
}

Result<std::string> certificate_to_pem(X509* certificate) {
    return write_pem([certificate](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

Result<std::string> request_to_pem(X509_REQ* request) {
    return write_pem([request](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request); });
}

}  // namespace lodge::pki
