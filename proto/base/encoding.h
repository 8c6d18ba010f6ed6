// Bytes as text and back: base64 (RFC 4648), hexadecimal, percent-encoding (RFC 3986), SHA-256, ISO 8601
// times. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/base/clock.h"

namespace lodge {

std::string base64_encode(std::string_view bytes);
// Line ends and blanks are skipped, missing padding is forgiven; anything else foreign gives nothing.
std::optional<std::string> base64_decode(std::string_view text);

std::string hex_encode(std::string_view bytes);
std::optional<std::string> hex_decode(std::string_view text);

// A-Z a-z 0-9 - . _ ~, which stand for themselves (RFC 3986, section 2.3).
bool is_unreserved(char c);
// Every byte that is not unreserved becomes %XX; `keep_slash` spares '/'.
std::string percent_encode(std::string_view bytes, bool keep_slash = false);
// Nothing when a '%' is not followed by two hexadecimal digits. `plus_is_space` is for forms.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

// 32 raw bytes.
std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);
// Takes as long for equal strings as for different ones of the same length.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// "2026-11-23T20:13:00.000Z".
std::string format_time(UnixMs time_ms);
// "2026-11-23T20:13:00Z", with or without a fraction or an offset such as +01:00.
std::optional<UnixMs> parse_time(std::string_view text);
// "20261123T201300Z", as SigV4 writes it.
std::optional<UnixMs> parse_amz_date(std::string_view text);

// The bytes of the UTF-8 character at `at` (RFC 3629: no surrogates, no overlong forms); 0 if there is none.
std::size_t utf8_length(std::string_view text, std::size_t at);
// Whether all of the text is such characters.
bool utf8_valid(std::string_view text);
// Whether XML 1.0 (section 2.2, Char) can hold the character, given as UTF-8; empty: no.
bool xml_character(std::string_view character);

}  // namespace lodge
