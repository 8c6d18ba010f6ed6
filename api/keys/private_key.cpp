#include "api/keys/private_key.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <algorithm>

#include "api/keys/public_key.h"
#include "api/keys/ssh_wire.h"
#include "proto/base/encoding.h"

namespace lodge::keys {
namespace {

struct BioFree {
    void operator()(BIO* bio) const { BIO_free(bio); }
};

Result<std::string> ppk_private_blob(const Pkey& pkey, KeyType type) {
    std::string blob;
    if (type == KeyType::ed25519) {
        LODGE_TRY(auto seed, ed25519_seed(pkey));
        put_string(blob, seed);
        return blob;
    }
    for (const char* name : {OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
                             OSSL_PKEY_PARAM_RSA_COEFFICIENT1}) {
        LODGE_TRY(auto number, rsa_number(pkey, name));
        put_mpint(blob, number);
    }
    return blob;
}

std::string sha1(std::string_view bytes) {
    std::string out(20, '\0');
    EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, EVP_sha1(),
               nullptr);
    return out;
}

std::string hmac_sha1(std::string_view key, std::string_view bytes) {
    std::string out(20, '\0');
    HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(out.data()), nullptr);
    return out;
}

// Without a passphrase this is a checksum only.
std::string ppk_mac(KeyType type, std::string_view comment, std::string_view public_blob,
                    std::string_view private_blob) {
    std::string covered;
    for (std::string_view part :
         {ssh_name(type), std::string_view("none"), comment, public_blob, private_blob})
        put_string(covered, part);
    return hex_encode(hmac_sha1(sha1("putty-private-key-file-mac-key"), covered));
}

std::string ppk_section(std::string_view name, std::string_view blob) {
    std::string lines = base64_lines(blob, 64);
    return fmt::format("{}-Lines: {}\n{}", name, std::count(lines.begin(), lines.end(), '\n'), lines);
}

// The part of OpenSSH's format that would be encrypted; padded with 1, 2, 3… to a multiple of 8.
Result<std::string> openssh_private_section(const Pkey& pkey, std::string_view comment, std::uint32_t check) {
    LODGE_TRY(auto point, ed25519_point(pkey));
    LODGE_TRY(auto seed, ed25519_seed(pkey));
    std::string out;
    put_u32(out, check);
    put_u32(out, check);
    put_string(out, ssh_name(KeyType::ed25519));
    put_string(out, point);
    put_string(out, seed + point);
    put_string(out, comment);
    for (char pad = 1; out.size() % 8 != 0; ++pad) out += pad;
    return out;
}

Result<std::string> private_text(const Pkey& pkey, KeyType type, KeyFormat format, std::string_view comment,
                                 std::uint32_t check) {
    if (format == KeyFormat::ppk) return ppk(pkey, type, comment);
    return type == KeyType::rsa ? rsa_pem(pkey) : openssh_ed25519(pkey, comment, check);
}

}  // namespace

Result<std::string> rsa_pem(const Pkey& pkey) {
    std::unique_ptr<BIO, BioFree> bio(BIO_new(BIO_s_secmem()));
    char* text = nullptr;
    if (!bio || PEM_write_bio_PrivateKey_traditional(bio.get(), pkey.get(), nullptr, nullptr, 0, nullptr,
                                                     nullptr) != 1) {
        ERR_clear_error();
        return fail(ErrorCode::internal_error);
    }
    auto size = BIO_get_mem_data(bio.get(), &text);
    return std::string(text, static_cast<std::size_t>(size));
}

Result<std::string> openssh_ed25519(const Pkey& pkey, std::string_view comment, std::uint32_t check) {
    LODGE_TRY(auto public_blob, blob_of(pkey, KeyType::ed25519));
    LODGE_TRY(auto private_section, openssh_private_section(pkey, comment, check));
    std::string out("openssh-key-v1\0", 15);
    put_string(out, "none");  // cipher
    put_string(out, "none");  // key derivation, and its options
    put_string(out, "");
    put_u32(out, 1);  // keys
    put_string(out, public_blob);
    put_string(out, private_section);
    return fmt::format("-----BEGIN OPENSSH PRIVATE KEY-----\n{}-----END OPENSSH PRIVATE KEY-----\n",
                       base64_lines(out, 70));
}

Result<std::string> ppk(const Pkey& pkey, KeyType type, std::string_view comment) {
    LODGE_TRY(auto public_blob, blob_of(pkey, type));
    LODGE_TRY(auto private_blob, ppk_private_blob(pkey, type));
    return fmt::format("PuTTY-User-Key-File-2: {}\nEncryption: none\nComment: {}\n{}{}Private-MAC: {}\n",
                       ssh_name(type), comment, ppk_section("Public", public_blob),
                       ppk_section("Private", private_blob),
                       ppk_mac(type, comment, public_blob, private_blob));
}

std::string base64_lines(std::string_view bytes, std::size_t columns) {
    std::string text = base64_encode(bytes);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += columns) {
        out += text.substr(at, columns);
        out += '\n';
    }
    return out;
}

Result<NewKey> new_key(const Pkey& pkey, KeyType type, KeyFormat format, std::string_view comment,
                       std::uint32_t check) {
    LODGE_TRY(auto private_key, private_text(pkey, type, format, comment, check));
    LODGE_TRY(auto blob, blob_of(pkey, type));
    LODGE_TRY(auto fingerprint, created_fingerprint(pkey, type));
    return NewKey{type, std::move(private_key), public_line(type, blob, comment), std::move(fingerprint)};
}

}  // namespace lodge::keys
