#include "proto/pki/documents.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#include <memory>

namespace lodge::pki {
namespace {

struct Free {
    void operator()(X509* p) const { X509_free(p); }
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
    void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
    void operator()(PKCS7* p) const { PKCS7_free(p); }
    void operator()(BIO* p) const { BIO_free_all(p); }
    void operator()(X509_STORE* p) const { X509_STORE_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIO> memory(std::string_view text) {
    return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Owned<X509> certificate_of(const Authority& signer) {
    return Owned<X509>(PEM_read_bio_X509(memory(signer.certificate_pem).get(), nullptr, nullptr, nullptr));
}

class Documents : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0UL) << "OpenSSL's error queue was left behind"; }

    bool verifies(std::string_view text, std::string_view signature) const {
        auto certificate = certificate_of(signer);
        Owned<EVP_PKEY> key(X509_get_pubkey(certificate.get()));
        Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
        EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get());
        const bool good =
            EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                             signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                             text.size()) == 1;
        ERR_clear_error();
        return good;
    }
    // What was signed; empty if the signature is not the signer's.
    std::string verified(const std::string& der) const {
        auto in = memory(der);
        Owned<PKCS7> message(d2i_PKCS7_bio(in.get(), nullptr));
        if (!message) return "";
        auto certificate = certificate_of(signer);
        Owned<X509_STORE> store(X509_STORE_new());
        X509_STORE_add_cert(store.get(), certificate.get());
        Owned<BIO> out(BIO_new(BIO_s_mem()));
        const bool good =
            PKCS7_verify(message.get(), nullptr, store.get(), nullptr, out.get(), PKCS7_NOVERIFY) == 1;
        ERR_clear_error();
        char* data = nullptr;
        auto size = BIO_get_mem_data(out.get(), &data);
        return good ? std::string(data, static_cast<std::size_t>(size)) : "";
    }

    static constexpr UnixMs now = 1'790'000'000'000;
    SeededRandom random{3};
    const Authority signer = make_document_signer("Lodge instance identity", {now, 100}, random).value();
    const std::string document = "{\n  \"instanceId\": \"i-1\",\r\n  \"x\": \"\xc3\xa4\"\n}";
};

TEST_F(Documents, ASignatureIsOfTheBytesAndOfNoOthers) {
    const auto signature = sign_bytes(signer, document).value();
    EXPECT_EQ(signature.size(), 256U);
    EXPECT_TRUE(verifies(document, signature));
    EXPECT_FALSE(verifies(document + " ", signature));
    auto bad = signature;
    bad[100] = static_cast<char>(bad[100] ^ 1);
    EXPECT_FALSE(verifies(document, bad));
}

TEST_F(Documents, Pkcs7HoldsTheDocumentByteForByte) {
    auto message = sign_pkcs7(signer, document).value();
    EXPECT_EQ(verified(message), document);
    auto at = message.find("instanceId");
    ASSERT_NE(at, std::string::npos);
    message[at] = 'I';
    EXPECT_EQ(verified(message), "");
}

TEST_F(Documents, TheSignerIsItsOwnIssuerAndNoAuthority) {
    auto certificate = certificate_of(signer);
    EXPECT_EQ(X509_check_ca(certificate.get()), 0);
    Owned<EVP_PKEY> key(X509_get_pubkey(certificate.get()));
    EXPECT_EQ(EVP_PKEY_get_bits(key.get()), 2048);
    EXPECT_EQ(X509_verify(certificate.get(), key.get()), 1);
}

TEST_F(Documents, AKeyThatIsNoneIsRefused) {
    Authority broken = signer;
    broken.key_pem = "rubbish";
    EXPECT_FALSE(sign_bytes(broken, document));
    EXPECT_FALSE(sign_pkcs7(broken, document));
    broken = signer;
    broken.certificate_pem = make_document_signer("another", {now, 100}, random)->certificate_pem;
    EXPECT_FALSE(sign_pkcs7(broken, document)) << "a key of another certificate";
}

}  // namespace
}  // namespace lodge::pki
