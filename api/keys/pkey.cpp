#include "api/keys/pkey.h"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "api/keys/ssh_wire.h"
#include "proto/base/encoding.h"

namespace lodge::keys {
namespace {

constexpr int generated_rsa_bits = 2048;
constexpr std::array accepted_rsa_bits = {1024, 2048, 3072, 4096};
constexpr std::size_t max_modulus_size = 4096 / 8;
constexpr std::size_t max_exponent_size = 8;  // OpenSSL's own limit for large moduli
constexpr std::size_t ed25519_size = 32;

template <auto free>
struct Free {
    template <class T>
    void operator()(T* pointer) const {
        free(pointer);
    }
};
using Bn = std::unique_ptr<BIGNUM, Free<BN_free>>;
using PkeyCtx = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using Pkcs8 = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>>;

tl::unexpected<Error> openssl_failed() {
    ERR_clear_error();
    return fail(ErrorCode::internal_error);
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

Bn bn_of(std::string_view magnitude) {
    return Bn(BN_bin2bn(bytes_of(magnitude), static_cast<int>(magnitude.size()), nullptr));
}

Result<Bn> rsa_bn(const Pkey& pkey, const char* name) {
    BIGNUM* number = nullptr;
    if (EVP_PKEY_get_bn_param(pkey.get(), name, &number) != 1) return openssl_failed();
    return Bn(number);
}

Result<Pkey> rsa_pkey(std::string_view modulus, std::string_view exponent) {
    Bn n = bn_of(modulus);
    Bn e = bn_of(exponent);
    ParamBuilder builder(OSSL_PARAM_BLD_new());
    if (!n || !e || !builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
        return openssl_failed();
    Params params(OSSL_PARAM_BLD_to_param(builder.get()));
    PkeyCtx context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    EVP_PKEY* pkey = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1) return openssl_failed();
    if (EVP_PKEY_fromdata(context.get(), &pkey, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        ERR_clear_error();
        return bad_key("The RSA key's numbers are not those of an RSA key.");
    }
    return Pkey(pkey);
}

Result<Pkey> rsa_pkey_of_blob(WireReader reader) {
    auto exponent = reader.mpint();
    auto modulus = reader.mpint();
    if (!exponent || !modulus || !reader.at_end()) return bad_key("The RSA key is damaged.");
    if (exponent->size() > max_exponent_size || modulus->size() > max_modulus_size)
        return bad_key("The RSA key is too large.");
    return rsa_pkey(*modulus, *exponent);
}

Result<Pkey> ed25519_pkey_of_blob(WireReader reader) {
    auto point = reader.string();
    if (!point || point->size() != ed25519_size || !reader.at_end())
        return bad_key("The ED25519 key is damaged.");
    Pkey pkey(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(*point), point->size()));
    if (!pkey) return openssl_failed();
    return pkey;
}

Status check_rsa(const Pkey& pkey) {
    int bits = EVP_PKEY_get_bits(pkey.get());
    if (std::find(accepted_rsa_bits.begin(), accepted_rsa_bits.end(), bits) == accepted_rsa_bits.end())
        return bad_key(
            fmt::format("An RSA key has {} bits, not {}.", fmt::join(accepted_rsa_bits, ", "), bits));
    LODGE_TRY(auto n, rsa_bn(pkey, OSSL_PKEY_PARAM_RSA_N));
    LODGE_TRY(auto e, rsa_bn(pkey, OSSL_PKEY_PARAM_RSA_E));
    bool exponent_fits =
        BN_is_odd(e.get()) && !BN_is_one(e.get()) && BN_num_bytes(e.get()) <= int{max_exponent_size};
    if (!BN_is_odd(n.get()) || !exponent_fits)
        return bad_key("The RSA key's numbers are not those of an RSA key.");
    return {};
}

std::string hex_with_colons(std::string_view bytes) {
    std::string out;
    for (char byte : bytes) {
        if (!out.empty()) out += ':';
        out += hex_encode({&byte, 1});
    }
    return out;
}

Result<std::string> digest(std::string_view bytes, const EVP_MD* algorithm) {
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    if (EVP_Digest(bytes.data(), bytes.size(), to, &size, algorithm, nullptr) != 1) return openssl_failed();
    out.resize(size);
    return out;
}

// What one of OpenSSL's i2d functions writes for `object`.
template <class T>
Result<std::string> der_of(int (*write)(const T*, unsigned char**), const T* object) {
    unsigned char* der = nullptr;
    int size = write(object, &der);
    if (size <= 0) return openssl_failed();
    std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_clear_free(der, out.size());
    return out;
}

Result<std::string> blob_fingerprint(const Pkey& pkey, KeyType type) {
    LODGE_TRY(auto blob, blob_of(pkey, type));
    return base64_encode(sha256(blob));
}

}  // namespace

tl::unexpected<Error> bad_key(std::string_view why) {
    return fail(ErrorCode::invalid_key_format, why);
}

Result<Pkey> generate_pkey(KeyType type) {
    Pkey pkey(type == KeyType::rsa ? EVP_RSA_gen(generated_rsa_bits)
                                   : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    if (!pkey) return openssl_failed();
    return pkey;
}

Result<Pkey> pkey_of_blob(std::string_view blob) {
    WireReader reader(blob);
    auto name = reader.string();
    if (name == ssh_name(KeyType::rsa)) return rsa_pkey_of_blob(reader);
    if (name == ssh_name(KeyType::ed25519)) return ed25519_pkey_of_blob(reader);
    return bad_key("The key is neither RSA nor ED25519.");
}

Result<Pkey> pkey_of_der(std::string_view der) {
    const auto* at = bytes_of(der);
    Pkey pkey(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
    ERR_clear_error();
    if (!pkey || at != bytes_of(der) + der.size())
        return bad_key("The key is not a SubjectPublicKeyInfo in DER.");
    return pkey;
}

Result<KeyType> accepted_type(const Pkey& pkey) {
    if (EVP_PKEY_is_a(pkey.get(), "ED25519")) return KeyType::ed25519;
    if (!EVP_PKEY_is_a(pkey.get(), "RSA")) return bad_key("The key is neither RSA nor ED25519.");
    LODGE_CHECK(check_rsa(pkey));
    return KeyType::rsa;
}

std::string_view ssh_name(KeyType type) {
    return type == KeyType::rsa ? "ssh-rsa" : "ssh-ed25519";
}

Result<std::string> blob_of(const Pkey& pkey, KeyType type) {
    std::string blob;
    put_string(blob, ssh_name(type));
    if (type == KeyType::ed25519) {
        LODGE_TRY(auto point, ed25519_point(pkey));
        put_string(blob, point);
        return blob;
    }
    LODGE_TRY(auto e, rsa_number(pkey, OSSL_PKEY_PARAM_RSA_E));
    LODGE_TRY(auto n, rsa_number(pkey, OSSL_PKEY_PARAM_RSA_N));
    put_mpint(blob, e);
    put_mpint(blob, n);
    return blob;
}

Result<std::string> created_fingerprint(const Pkey& pkey, KeyType type) {
    if (type == KeyType::ed25519) return blob_fingerprint(pkey, type);
    Pkcs8 info(EVP_PKEY2PKCS8(pkey.get()));
    if (!info) return openssl_failed();
    LODGE_TRY(auto der, der_of<PKCS8_PRIV_KEY_INFO>(i2d_PKCS8_PRIV_KEY_INFO, info.get()));
    LODGE_TRY(auto hash, digest(der, EVP_sha1()));
    return hex_with_colons(hash);
}

Result<std::string> imported_fingerprint(const Pkey& pkey, KeyType type) {
    if (type == KeyType::ed25519) return blob_fingerprint(pkey, type);
    LODGE_TRY(auto der, der_of<EVP_PKEY>(i2d_PUBKEY, pkey.get()));
    LODGE_TRY(auto hash, digest(der, EVP_md5()));
    return hex_with_colons(hash);
}

Result<std::string> rsa_number(const Pkey& pkey, const char* name) {
    LODGE_TRY(auto number, rsa_bn(pkey, name));
    std::string out(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
    BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(out.data()));
    return out;
}

Result<std::string> ed25519_point(const Pkey& pkey) {
    std::string out(ed25519_size, '\0');
    std::size_t size = out.size();
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    if (EVP_PKEY_get_raw_public_key(pkey.get(), to, &size) != 1 || size != ed25519_size)
        return openssl_failed();
    return out;
}

Result<std::string> ed25519_seed(const Pkey& pkey) {
    std::string out(ed25519_size, '\0');
    std::size_t size = out.size();
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    if (EVP_PKEY_get_raw_private_key(pkey.get(), to, &size) != 1 || size != ed25519_size)
        return openssl_failed();
    return out;
}

}  // namespace lodge::keys
