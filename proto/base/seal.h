// Bytes that nobody without the key can read or change: AES-256-GCM (NIST SP 800-38D), a random nonce before
// them. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/base/random.h"

namespace lodge {

inline constexpr std::size_t seal_key_bytes = 32;

// `key` has seal_key_bytes. What is sealed for one purpose is not to be opened for another, which `purpose`
// makes sure of; it is no secret. At most 2^32 times with one key. Aborts the process if OpenSSL fails.
std::string seal(std::string_view key, std::string_view purpose, std::string_view bytes, Random& random);
// Nothing when that is not what seal() made with the same key and purpose.
std::optional<std::string> unseal(std::string_view key, std::string_view purpose, std::string_view sealed);

}  // namespace lodge
