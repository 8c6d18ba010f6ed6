// Public keys as text. Internal to api/keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/keys/pkey.h"

namespace lodge::keys {

// A comment that keeps to its line: control characters become '_'.
std::string one_line(std::string_view comment);

// "ssh-rsa AAAA… comment", or without the blank and the comment when that is empty.
std::string public_line(KeyType type, std::string_view blob, std::string_view comment);

// A key as it was found in a text, before anybody has asked whether it is acceptable.
struct FoundKey {
    Pkey pkey;
    std::string comment;  // one line
};

// Each reads one form; invalid_key_format when the text is not of it.
Result<FoundKey> read_openssh_line(std::string_view text);
// RFC 4716, section 3.
Result<FoundKey> read_ssh2(std::string_view text);
// "-----BEGIN PUBLIC KEY-----" (RFC 7468, section 13).
Result<FoundKey> read_pem(std::string_view text);
Result<FoundKey> read_base64_der(std::string_view text);

}  // namespace lodge::keys
