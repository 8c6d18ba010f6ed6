#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <array>

#include "proto/base/encoding.h"
#include "proto/pki/openssl.h"
#include "proto/pki/pki.h"

namespace lodge::pki {
namespace {

constexpr std::size_t max_common_name_bytes = 64;  // RFC 5280's ub-common-name
constexpr int min_rsa_bits = 2048;
constexpr int max_rsa_bits = 8192;  // more only serves to keep the verifier busy

// False for a curve given by explicit parameters too: such a key has no group name.
bool on_p256(EVP_PKEY* key) {
    std::array<char, 64> group{};
    std::size_t size = 0;
    return EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
           std::string_view(group.data(), size) == SN_X9_62_prime256v1;
}

bool printable(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

}  // namespace

Status check_key(EVP_PKEY* key) {
    switch (EVP_PKEY_get_base_id(key)) {
        case EVP_PKEY_EC:
            if (on_p256(key)) return {};
            return refuse("The key's curve is not P-256.");
        case EVP_PKEY_RSA:
            if (EVP_PKEY_get_bits(key) >= min_rsa_bits && EVP_PKEY_get_bits(key) <= max_rsa_bits) return {};
            return refuse("The RSA key does not have 2048 to 8192 bits.");
        default:
            return refuse("The key is neither on P-256 nor RSA.");
    }
}

Result<KeyPtr> generate_key() {
    KeyPtr key(EVP_EC_gen(SN_X9_62_prime256v1));
    if (!key) return openssl_failure("making a key");
    return key;
}

Result<NamePtr> make_name(std::string_view common_name) {
    if (common_name.empty() || common_name.size() > max_common_name_bytes || !utf8_valid(common_name) ||
        !printable(common_name))
        return refuse("A common name is 1 to 64 bytes of printable UTF-8.");
    NamePtr name(X509_NAME_new());
    auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
    if (!name || X509_NAME_add_entry_by_NID(name.get(), NID_commonName, MBSTRING_UTF8, text,
                                            static_cast<int>(common_name.size()), -1, 0) != 1)
        return openssl_failure("making a name");
    return name;
}

Result<std::string> generate_private_key_pem() {
    LODGE_TRY(auto key, generate_key());
    return key_to_pem(key.get());
}

Result<std::string> make_request_pem(std::string_view key_pem, std::string_view common_name) {
    LODGE_TRY(auto key, read_key(key_pem));
    LODGE_CHECK(check_key(key.get()));
    LODGE_TRY(auto name, make_name(common_name));
    RequestPtr request(X509_REQ_new());
    if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_subject_name(request.get(), name.get()) != 1 ||
        X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
        X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0)
        return openssl_failure("making a certificate request");
    return request_to_pem(request.get());
}

}  // namespace lodge::pki
