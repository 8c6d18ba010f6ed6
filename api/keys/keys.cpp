#include "api/keys/keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/keys/private_key.h"
#include "api/keys/public_key.h"
#include "proto/base/random.h"

namespace lodge::keys {
namespace {

constexpr char der_sequence = '\x30';

std::string_view trim(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
    return text.substr(0, text.find_last_not_of(space) + 1);
}

Result<FoundKey> find_der(std::string_view der) {
    LODGE_TRY(auto pkey, pkey_of_der(der));
    return FoundKey{std::move(pkey), ""};
}

// Each form is known by how it begins. Base64 of DER never begins as bare DER does, with a '0'.
Result<FoundKey> find_key(std::string_view material) {
    if (material.starts_with(der_sequence)) return find_der(material);
    auto text = trim(material);
    if (text.starts_with("---- ")) return read_ssh2(text);
    if (text.starts_with("-----")) return read_pem(text);
    if (text.find_first_of(" \t") != std::string_view::npos) return read_openssh_line(text);
    return read_base64_der(text);
}

}  // namespace

std::string_view to_text(KeyType type) {
    return type == KeyType::rsa ? "rsa" : "ed25519";
}

Result<NewKey> generate(KeyType type, KeyFormat format, std::string_view comment) {
    LODGE_TRY(auto pkey, generate_pkey(type));
    SystemRandom random;
    return new_key(pkey, type, format, one_line(comment), static_cast<std::uint32_t>(random.next_u64()));
}

Result<ImportedKey> import_public(std::string_view material) {
    if (material.size() > max_material_size)
        return bad_key(fmt::format("The key's material is larger than {} bytes.", max_material_size));
    LODGE_TRY(auto found, find_key(material));
    LODGE_TRY(auto type, accepted_type(found.pkey));
    LODGE_TRY(auto blob, blob_of(found.pkey, type));
    LODGE_TRY(auto fingerprint, imported_fingerprint(found.pkey, type));
    return ImportedKey{type, public_line(type, blob, found.comment), found.comment, std::move(fingerprint)};
}

}  // namespace lodge::keys
