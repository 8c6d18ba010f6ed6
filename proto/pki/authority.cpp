#include "proto/pki/builder.h"
#include "proto/pki/openssl.h"
#include "proto/pki/pki.h"

namespace lodge::pki {
namespace {

struct Signer {
    CertificatePtr certificate;
    KeyPtr key;
};

Result<Signer> open(const Authority& authority) {
    LODGE_TRY(auto certificate, read_certificate(authority.certificate_pem));
    LODGE_TRY(auto key, read_key(authority.key_pem));
    if (X509_check_private_key(certificate.get(), key.get()) != 1)
        return refuse("The authority's key is not its certificate's.");
    if (X509_check_ca(certificate.get()) == 0)
        return refuse("The authority's certificate is not an authority's.");
    return Signer{std::move(certificate), std::move(key)};
}

// TLS 1.2's plain RSA key exchange is off everywhere in Lodge, so that signing is all that a key is for.
void add_leaf_extensions(Builder& builder, const char* purpose) {
    builder.add_extension(NID_basic_constraints, "critical,CA:FALSE");
    builder.add_extension(NID_key_usage, "critical,digitalSignature");
    builder.add_extension(NID_ext_key_usage, purpose);
}

}  // namespace

Result<Authority> make_authority(std::string_view common_name, const Validity& validity, Random& random) {
    LODGE_TRY(auto key, generate_key());
    LODGE_TRY(auto name, make_name(common_name));
    Builder builder(name.get(), key.get(), random);
    builder.set_validity(validity, nullptr);
    builder.set_issuer(nullptr);
    builder.add_extension(NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    builder.add_extension(NID_key_usage, "critical,keyCertSign,cRLSign");
    LODGE_TRY(auto certificate_pem, builder.sign(key.get()));
    LODGE_TRY(auto key_pem, key_to_pem(key.get()));
    return Authority{std::move(certificate_pem), std::move(key_pem)};
}

Result<std::string> sign_server(const Authority& authority, std::string_view common_name,
                                const std::vector<std::string>& names, std::string_view key_pem,
                                const Validity& validity, Random& random) {
    if (names.empty()) return refuse("A server's certificate needs a name or address.");
    LODGE_TRY(auto signer, open(authority));
    LODGE_TRY(auto key, read_key(key_pem));
    LODGE_CHECK(check_key(key.get()));
    LODGE_TRY(auto name, make_name(common_name));
    Builder builder(name.get(), key.get(), random);
    builder.set_validity(validity, X509_get0_notAfter(signer.certificate.get()));
    builder.set_issuer(signer.certificate.get());
    add_leaf_extensions(builder, "serverAuth");
    builder.add_names(names);
    return builder.sign(signer.key.get());
}

Result<std::string> sign_client_request(const Authority& authority, std::string_view csr_pem,
                                        std::string_view common_name, const Validity& validity,
                                        Random& random) {
    LODGE_TRY(auto signer, open(authority));
    LODGE_TRY(auto request, read_request(csr_pem));
    EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
    if (!key) return refuse("The request's key cannot be read.");
    LODGE_CHECK(check_key(key));
    if (X509_REQ_verify(request.get(), key) != 1)
        return refuse("The request is not signed with its own key.");
    LODGE_TRY(auto name, make_name(common_name));
    Builder builder(name.get(), key, random);
    builder.set_validity(validity, X509_get0_notAfter(signer.certificate.get()));
    builder.set_issuer(signer.certificate.get());
    add_leaf_extensions(builder, "clientAuth");
    return builder.sign(signer.key.get());
}

}  // namespace lodge::pki
