#include "proto/base/seal.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <memory>

namespace lodge {
namespace {

constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;

struct ContextFree {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextFree>;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

// With the purpose taken in; null when OpenSSL fails, or the key has another length.
Context begin(std::string_view key, std::string_view nonce, std::string_view purpose, bool encrypt) {
    if (key.size() != seal_key_bytes) return nullptr;
    Context context(EVP_CIPHER_CTX_new());
    int ignored = 0;
    const bool good = context &&
                      EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key),
                                        bytes_of(nonce), encrypt ? 1 : 0) == 1 &&
                      EVP_CipherUpdate(context.get(), nullptr, &ignored, bytes_of(purpose),
                                       static_cast<int>(purpose.size())) == 1;
    return good ? std::move(context) : nullptr;
}

bool update(const Context& context, std::string& out, std::string_view in) {
    int written = 0;
    out.resize(in.size());
    return in.empty() || EVP_CipherUpdate(context.get(), bytes_of(out), &written, bytes_of(in),
                                          static_cast<int>(in.size())) == 1;
}

}  // namespace

std::string seal(std::string_view key, std::string_view purpose, std::string_view bytes, Random& random) {
    std::string nonce(nonce_bytes, '\0');
    random.fill(nonce.data(), nonce.size());
    const Context context = begin(key, nonce, purpose, true);
    std::string body;
    std::string tag(tag_bytes, '\0');
    int ignored = 0;
    if (!context || !update(context, body, bytes) ||
        EVP_CipherFinal_ex(context.get(), bytes_of(tag), &ignored) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, tag.data()) != 1)
        std::abort();
    return nonce + body + tag;
}

std::optional<std::string> unseal(std::string_view key, std::string_view purpose, std::string_view sealed) {
    if (sealed.size() < nonce_bytes + tag_bytes) return std::nullopt;
    const Context context = begin(key, sealed.substr(0, nonce_bytes), purpose, false);
    std::string tag(sealed.substr(sealed.size() - tag_bytes));
    std::string bytes;
    std::string end(tag_bytes, '\0');
    int ignored = 0;
    if (!context ||
        !update(context, bytes, sealed.substr(nonce_bytes, sealed.size() - nonce_bytes - tag_bytes)) ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) != 1 ||
        EVP_CipherFinal_ex(context.get(), bytes_of(end), &ignored) != 1)
        return std::nullopt;
    return bytes;
}

}  // namespace lodge
