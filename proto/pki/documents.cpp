#include "proto/pki/documents.h"

#include <openssl/pkcs7.h>
#include <openssl/rsa.h>

#include "proto/pki/builder.h"
#include "proto/pki/openssl.h"

namespace lodge::pki {
namespace {

constexpr unsigned key_bits = 2048;

using DigestPtr = std::unique_ptr<EVP_MD_CTX, Releaser<EVP_MD_CTX_free>>;
using Pkcs7Ptr = std::unique_ptr<PKCS7, Releaser<PKCS7_free>>;

}  // namespace

Result<Authority> make_document_signer(std::string_view common_name, const Validity& validity,
                                       Random& random) {
    KeyPtr key(EVP_RSA_gen(key_bits));
    if (!key) return openssl_failure("making an RSA key");
    LODGE_TRY(auto name, make_name(common_name));
    Builder builder(name.get(), key.get(), random);
    builder.set_validity(validity, nullptr);
    builder.set_issuer(nullptr);
    builder.add_extension(NID_basic_constraints, "critical,CA:FALSE");
    builder.add_extension(NID_key_usage, "critical,digitalSignature");
    LODGE_TRY(auto certificate_pem, builder.sign(key.get()));
    LODGE_TRY(auto key_pem, key_to_pem(key.get()));
    return Authority{std::move(certificate_pem), std::move(key_pem)};
}

Result<std::string> sign_bytes(const Authority& signer, std::string_view bytes) {
    LODGE_TRY(auto key, read_key(signer.key_pem));
    DigestPtr context(EVP_MD_CTX_new());
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    std::size_t size = 0;
    if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &size, data, bytes.size()) != 1)
        return openssl_failure("signing");
    std::string signature(size, '\0');
    auto* out = reinterpret_cast<unsigned char*>(signature.data());
    if (EVP_DigestSign(context.get(), out, &size, data, bytes.size()) != 1) return openssl_failure("signing");
    signature.resize(size);
    return signature;
}

Result<std::string> sign_pkcs7(const Authority& signer, std::string_view bytes) {
    LODGE_TRY(auto certificate, read_certificate(signer.certificate_pem));
    LODGE_TRY(auto key, read_key(signer.key_pem));
    BioPtr in(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    if (!in) return openssl_failure("signing");
    Pkcs7Ptr made(PKCS7_sign(certificate.get(), key.get(), nullptr, in.get(), PKCS7_BINARY));
    if (!made) return openssl_failure("signing");
    unsigned char* der = nullptr;
    const int size = i2d_PKCS7(made.get(), &der);
    if (size < 0) return openssl_failure("writing a signature");
    std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

}  // namespace lodge::pki
