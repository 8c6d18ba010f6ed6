#include "proto/pki/pki.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <set>

namespace lodge::pki {
namespace {

struct Free {
    void operator()(X509* p) const { X509_free(p); }
    void operator()(X509_REQ* p) const { X509_REQ_free(p); }
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
    void operator()(X509_STORE* p) const { X509_STORE_free(p); }
    void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
    void operator()(BIO* p) const { BIO_free_all(p); }
    void operator()(BIGNUM* p) const { BN_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

constexpr UnixMs day_ms = 24 * 60 * 60 * 1000;

Owned<BIO> memory(std::string_view text) {
    return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Owned<X509> parse(std::string_view pem) {
    return Owned<X509>(PEM_read_bio_X509(memory(pem).get(), nullptr, nullptr, nullptr));
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    auto size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string key_pem(EVP_PKEY* key) {
    Owned<BIO> out(BIO_new(BIO_s_mem()));
    PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    return text_of(out.get());
}

// What `openssl x509 -text` prints.
std::string printed(std::string_view pem) {
    Owned<BIO> out(BIO_new(BIO_s_mem()));
    X509_print_ex(out.get(), parse(pem).get(), 0, 0);
    return text_of(out.get());
}

// X509_V_OK, or why `leaf` is no good for `purpose` under `root` at the time.
int verify(std::string_view root_pem, std::string_view leaf_pem, int purpose, UnixMs at_ms) {
    auto root = parse(root_pem);
    auto leaf = parse(leaf_pem);
    Owned<X509_STORE> store(X509_STORE_new());
    X509_STORE_add_cert(store.get(), root.get());
    Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
    X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
    X509_STORE_CTX_set_purpose(context.get(), purpose);
    X509_STORE_CTX_set_time(context.get(), 0, at_ms / 1000);
    X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_X509_STRICT);
    X509_verify_cert(context.get());
    return X509_STORE_CTX_get_error(context.get());
}

class Pki : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0UL) << "OpenSSL's error queue was left behind"; }

    Result<std::string> sign_server_with(const std::vector<std::string>& names,
                                         std::string_view cn = "lodged") {
        return sign_server(authority, cn, names, key, {now, 90}, random);
    }
    Result<std::string> sign_client(std::string_view csr, std::string_view cn = "h-1") {
        return sign_client_request(authority, csr, cn, {now, 90}, random);
    }

    const UnixMs now = 1'790'000'000'000;
    SeededRandom random{7};
    const Authority authority = make_authority("Lodge test authority", {now, 365}, random).value();
    const std::string key = generate_private_key_pem().value();
};

TEST_F(Pki, an_authority_is_one_and_signs_leaves_only) {
    auto text = printed(authority.certificate_pem);
    EXPECT_NE(text.find("CA:TRUE, pathlen:0"), std::string::npos);
    EXPECT_NE(text.find("Certificate Sign, CRL Sign"), std::string::npos);
    EXPECT_NE(text.find("NIST CURVE: P-256"), std::string::npos);
    EXPECT_EQ(verify(authority.certificate_pem, authority.certificate_pem, X509_PURPOSE_ANY, now), X509_V_OK);
}

TEST_F(Pki, a_server_certificate_is_good_for_servers_only) {
    auto pem = sign_server_with({"lodge.example", "*.lodge.example", "192.0.2.7", "2001:db8::7"}).value();
    EXPECT_EQ(verify(authority.certificate_pem, pem, X509_PURPOSE_SSL_SERVER, now), X509_V_OK);
    EXPECT_EQ(verify(authority.certificate_pem, pem, X509_PURPOSE_SSL_CLIENT, now),
              X509_V_ERR_INVALID_PURPOSE);
    auto text = printed(pem);
    EXPECT_NE(text.find("DNS:lodge.example, DNS:*.lodge.example, IP Address:192.0.2.7, "
                        "IP Address:2001:DB8:0:0:0:0:0:7"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("CA:FALSE"), std::string::npos);
    EXPECT_EQ(X509_check_host(parse(pem).get(), "lodge.example", 0, 0, nullptr), 1);
    EXPECT_EQ(X509_check_ip_asc(parse(pem).get(), "192.0.2.7", 0), 1);
    EXPECT_EQ(X509_check_ip_asc(parse(pem).get(), "192.0.2.8", 0), 0);
}

TEST_F(Pki, a_client_certificate_is_good_for_clients_only) {
    auto pem = sign_client(make_request_pem(key, "agent").value()).value();
    EXPECT_EQ(verify(authority.certificate_pem, pem, X509_PURPOSE_SSL_CLIENT, now), X509_V_OK);
    EXPECT_EQ(verify(authority.certificate_pem, pem, X509_PURPOSE_SSL_SERVER, now),
              X509_V_ERR_INVALID_PURPOSE);
}

TEST_F(Pki, the_subject_is_what_the_authority_says) {
    auto pem = sign_client(make_request_pem(key, "h-someone-else").value(), "h-0123").value();
    EXPECT_EQ(common_name(pem).value(), "h-0123");
    EXPECT_EQ(printed(pem).find("someone-else"), std::string::npos);
    EXPECT_EQ(common_name(authority.certificate_pem).value(), "Lodge test authority");
}

TEST_F(Pki, a_foreign_authority_does_not_vouch) {
    auto other = make_authority("Lodge test authority", {now, 365}, random).value();
    auto pem = sign_client_request(other, make_request_pem(key, "h").value(), "h", {now, 9}, random).value();
    EXPECT_NE(verify(authority.certificate_pem, pem, X509_PURPOSE_SSL_CLIENT, now), X509_V_OK);
}

TEST_F(Pki, validity_starts_five_minutes_back_and_ends_after_the_days) {
    auto pem = sign_server_with({"a.example"}).value();
    EXPECT_EQ(expiry_ms(pem).value(), now + 90 * day_ms);
    constexpr int purpose = X509_PURPOSE_SSL_SERVER;
    auto slow_clock = now - 5 * 60 * 1000;
    EXPECT_EQ(verify(authority.certificate_pem, pem, purpose, slow_clock), X509_V_OK);
    EXPECT_EQ(verify(authority.certificate_pem, pem, purpose, slow_clock - 1000),
              X509_V_ERR_CERT_NOT_YET_VALID);
    EXPECT_EQ(verify(authority.certificate_pem, pem, purpose, now + 91 * day_ms),
              X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST_F(Pki, no_certificate_outlives_its_authority) {
    auto pem = sign_server(authority, "x", {"a.example"}, key, {now, 3650}, random).value();
    EXPECT_EQ(expiry_ms(pem).value(), expiry_ms(authority.certificate_pem).value());
}

TEST_F(Pki, long_validity_crosses_2050) {
    auto pem = make_authority("long", {now, 36500}, random).value().certificate_pem;
    EXPECT_EQ(expiry_ms(pem).value(), now + 36500 * day_ms);
}

TEST_F(Pki, refuses_days_out_of_range) {
    for (int days : {0, -1, 36501}) EXPECT_FALSE(make_authority("x", {now, days}, random)) << days;
}

TEST_F(Pki, serials_are_distinct_and_of_128_bits) {
    std::set<std::string> seen;
    for (int i = 0; i < 20; ++i) {
        auto certificate = parse(sign_server_with({"a.example"}).value());
        Owned<BIGNUM> serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr));
        EXPECT_EQ(BN_num_bits(serial.get()), 128);
        EXPECT_FALSE(BN_is_negative(serial.get()));
        std::string bytes(16, '\0');
        BN_bn2binpad(serial.get(), reinterpret_cast<unsigned char*>(bytes.data()), 16);
        seen.insert(bytes);
    }
    EXPECT_EQ(seen.size(), 20U);
}

TEST_F(Pki, requests_of_one_key_have_one_fingerprint) {
    auto one = make_request_pem(key, "a").value();
    auto two = make_request_pem(key, "b").value();
    auto other = make_request_pem(generate_private_key_pem().value(), "a").value();
    EXPECT_NE(one, two);
    EXPECT_EQ(request_key_sha256(one).value(), request_key_sha256(two).value());
    EXPECT_NE(request_key_sha256(one).value(), request_key_sha256(other).value());
    EXPECT_EQ(request_key_sha256("no request").error().code, ErrorCode::invalid_input);
}

TEST_F(Pki, fingerprint_is_sha256_of_the_der) {
    unsigned char digest[32];
    unsigned size = 0;
    X509_digest(parse(authority.certificate_pem).get(), EVP_sha256(), digest, &size);
    std::string hex;
    for (auto byte : digest) {
        hex += "0123456789abcdef"[byte >> 4];
        hex += "0123456789abcdef"[byte & 15];
    }
    EXPECT_EQ(fingerprint_sha256(authority.certificate_pem).value(), hex);
}

TEST_F(Pki, a_request_signed_with_another_key_is_refused) {
    Owned<X509_REQ> request(
        PEM_read_bio_X509_REQ(memory(make_request_pem(key, "h").value()).get(), nullptr, nullptr, nullptr));
    Owned<EVP_PKEY> other(EVP_EC_gen("P-256"));
    X509_REQ_set_pubkey(request.get(), other.get());  // the signature stays the old key's
    Owned<BIO> out(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509_REQ(out.get(), request.get());
    auto signed_request = sign_client(text_of(out.get()));
    ASSERT_FALSE(signed_request);
    EXPECT_EQ(signed_request.error().code, ErrorCode::invalid_input);
    EXPECT_NE(signed_request.error().message.find("not signed with its own key"), std::string::npos);
}

// A request that make_request_pem would not make for the key.
std::string request_of(EVP_PKEY* key, const EVP_MD* digest) {
    Owned<X509_REQ> request(X509_REQ_new());
    X509_REQ_set_pubkey(request.get(), key);
    X509_REQ_sign(request.get(), key, digest);
    Owned<BIO> out(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509_REQ(out.get(), request.get());
    return text_of(out.get());
}

TEST_F(Pki, only_p256_and_rsa_from_2048_bits) {
    struct Case {
        EVP_PKEY* key;
        const EVP_MD* digest;
        bool good;
    };
    const Case cases[] = {
        {EVP_RSA_gen(2048), EVP_sha256(), true},
        {EVP_RSA_gen(1024), EVP_sha256(), false},
        {EVP_EC_gen("P-256"), EVP_sha256(), true},
        {EVP_EC_gen("P-384"), EVP_sha384(), false},
        {EVP_EC_gen("secp256k1"), EVP_sha256(), false},
        {EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), nullptr, false},
    };
    for (const auto& c : cases) {
        Owned<EVP_PKEY> owner(c.key);
        auto name = EVP_PKEY_get0_type_name(c.key) + std::to_string(EVP_PKEY_get_bits(c.key));
        EXPECT_EQ(sign_client(request_of(c.key, c.digest)).has_value(), c.good) << name;
        EXPECT_EQ(make_request_pem(key_pem(c.key), "x").has_value(), c.good) << name;
        EXPECT_EQ(sign_server(authority, "x", {"a.example"}, key_pem(c.key), {now, 1}, random).has_value(),
                  c.good)
            << name;
    }
}

TEST_F(Pki, names_of_servers_are_checked) {
    const std::string bad[] = {"",
                               ".",
                               "a..b",
                               "-a.example",
                               "a_b.example",
                               "a.example,DNS:evil.example",
                               "a\nb",
                               "*",
                               "a.*.example",
                               "1.2.3.4/24",
                               "192.0.2.300",
                               std::string("a\0b", 3),
                               std::string("192.0.2.7\0", 10),
                               std::string(64, 'a'),
                               std::string(300, 'a')};
    for (const auto& name : bad) {
        auto pem = sign_server_with({"good.example", name});
        ASSERT_FALSE(pem) << name;
        EXPECT_EQ(pem.error().code, ErrorCode::invalid_input) << name;
    }
    EXPECT_FALSE(sign_server_with({}));
    EXPECT_TRUE(sign_server_with({"localhost", "::1"}));
}

TEST_F(Pki, common_names_are_checked) {
    for (auto name : {std::string(), std::string(65, 'a'), std::string("a\0b", 3), std::string("a\nb"),
                      std::string("\xff")})
        EXPECT_FALSE(sign_server_with({"a.example"}, name));
    auto umlaut = sign_server_with({"a.example"}, "Gästehaus /CN=evil").value();
    EXPECT_EQ(common_name(umlaut).value(), "Gästehaus /CN=evil");
}

TEST_F(Pki, rubbish_is_invalid_input) {
    const std::string rubbish[] = {"", "hello",
                                   "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                                   std::string(300'000, 'A'), key};
    for (const auto& text : rubbish) {
        EXPECT_EQ(fingerprint_sha256(text).error().code, ErrorCode::invalid_input);
        EXPECT_EQ(common_name(text).error().code, ErrorCode::invalid_input);
        EXPECT_EQ(expiry_ms(text).error().code, ErrorCode::invalid_input);
        EXPECT_EQ(sign_client(text).error().code, ErrorCode::invalid_input);
    }
    EXPECT_EQ(make_request_pem(authority.certificate_pem, "x").error().code, ErrorCode::invalid_input);
}

TEST_F(Pki, an_encrypted_key_is_refused_without_asking) {
    Owned<EVP_PKEY> plain(EVP_EC_gen("P-256"));
    Owned<BIO> out(BIO_new(BIO_s_mem()));
    PEM_write_bio_PKCS8PrivateKey(out.get(), plain.get(), EVP_aes_256_cbc(), "secret", 6, nullptr, nullptr);
    EXPECT_EQ(make_request_pem(text_of(out.get()), "x").error().code, ErrorCode::invalid_input);
}

TEST_F(Pki, an_authority_must_be_one_with_its_own_key) {
    auto csr = make_request_pem(key, "h").value();
    Authority mixed{authority.certificate_pem, key};
    EXPECT_FALSE(sign_client_request(mixed, csr, "h", {now, 1}, random));
    Authority leaf{sign_server_with({"a.example"}).value(), key};
    EXPECT_FALSE(sign_client_request(leaf, csr, "h", {now, 1}, random));
}

}  // namespace
}  // namespace lodge::pki
