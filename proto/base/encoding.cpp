#include "proto/base/encoding.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

namespace lodge {
namespace {

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<signed char, 256> reverse_base64() {
    std::array<signed char, 256> table{};
    for (auto& entry : table) entry = -1;
    for (std::size_t i = 0; i < base64_alphabet.size(); ++i)
        table[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<signed char>(i);
    return table;
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Reads exactly `digits` decimal digits at `at` and moves past them.
std::optional<int> read_digits(std::string_view text, std::size_t& at, std::size_t digits) {
    if (at + digits > text.size()) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        char c = text[at + i];
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    at += digits;
    return value;
}

bool take(std::string_view text, std::size_t& at, char c) {
    if (at >= text.size() || text[at] != c) return false;
    ++at;
    return true;
}

std::optional<UnixMs> to_unix_ms(int y, int mo, int d, int h, int mi, int s, int ms) {
    using namespace std::chrono;
    year_month_day date{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
    if (!date.ok() || h > 23 || mi > 59 || s > 60) return std::nullopt;
    auto days = sys_days{date}.time_since_epoch();
    return duration_cast<milliseconds>(days + hours{h} + minutes{mi} + seconds{s}).count() + ms;
}

// A year of four digits: a leap second or an offset may lead out of them, and format_time() has no more.
std::optional<UnixMs> writable(UnixMs time_ms) {
    constexpr UnixMs first_ms = -62'167'219'200'000;  // 0000-01-01T00:00:00.000Z
    constexpr UnixMs last_ms = 253'402'300'799'999;   // 9999-12-31T23:59:59.999Z
    if (time_ms < first_ms || time_ms > last_ms) return std::nullopt;
    return time_ms;
}

std::optional<int> read_fraction_ms(std::string_view text, std::size_t& at) {
    if (!take(text, at, '.')) return 0;
    int value = 0;
    int digits = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits)
        if (digits < 3) value = value * 10 + (text[at] - '0');
    if (digits == 0) return std::nullopt;
    for (int i = digits; i < 3; ++i) value *= 10;
    return value;
}

std::optional<int> read_offset_minutes(std::string_view text, std::size_t& at) {
    if (at == text.size() || take(text, at, 'Z')) return 0;
    int sign = text[at] == '-' ? -1 : 1;
    if (text[at] != '+' && text[at] != '-') return std::nullopt;
    ++at;
    auto hours = read_digits(text, at, 2);
    take(text, at, ':');
    auto minutes = read_digits(text, at, 2);
    if (!hours || !minutes) return std::nullopt;
    return sign * (*hours * 60 + *minutes);
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
    std::string out(4 * ((bytes.size() + 2) / 3), '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                    reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
    static constexpr auto reverse = reverse_base64();
    std::string out;
    out.reserve(text.size() * 3 / 4);
    unsigned bits = 0;
    int held = 0;
    std::size_t padding = 0;
    for (char c : text) {
        if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
        if (c == '=') {
            if (++padding > 2) return std::nullopt;
            continue;
        }
        int value = reverse[static_cast<unsigned char>(c)];
        if (value < 0 || padding > 0) return std::nullopt;
        bits = (bits << 6 | static_cast<unsigned>(value)) & 0xffffffU;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out += static_cast<char>(bits >> held & 0xff);
        }
    }
    if (held >= 6) return std::nullopt;
    return out;
}

std::string hex_encode(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (char c : bytes) {
        auto byte = static_cast<unsigned char>(c);
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

std::optional<std::string> hex_decode(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        int high = hex_value(text[i]);
        int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high << 4 | low);
    }
    return out;
}

bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

std::string percent_encode(std::string_view bytes, bool keep_slash) {
    std::string out;
    out.reserve(bytes.size());
    for (char c : bytes) {
        if (is_unreserved(c) || (keep_slash && c == '/')) {
            out += c;
            continue;
        }
        auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += "0123456789ABCDEF"[byte >> 4];
        out += "0123456789ABCDEF"[byte & 15];
    }
    return out;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            out += ' ';
        } else if (text[i] == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            int high = hex_value(text[i + 1]);
            int low = hex_value(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high << 4 | low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string sha256(std::string_view bytes) {
    std::string out(32, '\0');
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size, EVP_sha256(),
               nullptr);
    return out;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
    std::string out(32, '\0');
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(out.data()), &size);
    return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string format_time(UnixMs time_ms) {
    using namespace std::chrono;
    auto whole = floor<days>(milliseconds{time_ms});
    year_month_day date{sys_days{whole}};
    auto rest = time_ms - duration_cast<milliseconds>(whole).count();
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), rest / 3600000,
                       rest / 60000 % 60, rest / 1000 % 60, rest % 1000);
}

std::optional<UnixMs> parse_time(std::string_view text) {
    std::size_t at = 0;
    auto y = read_digits(text, at, 4);
    if (!y || !take(text, at, '-')) return std::nullopt;
    auto mo = read_digits(text, at, 2);
    if (!mo || !take(text, at, '-')) return std::nullopt;
    auto d = read_digits(text, at, 2);
    if (!d || !take(text, at, 'T')) return std::nullopt;
    auto h = read_digits(text, at, 2);
    if (!h || !take(text, at, ':')) return std::nullopt;
    auto mi = read_digits(text, at, 2);
    if (!mi) return std::nullopt;
    auto s = take(text, at, ':') ? read_digits(text, at, 2) : std::optional<int>(0);
    auto ms = read_fraction_ms(text, at);
    if (!s || !ms) return std::nullopt;
    auto offset = read_offset_minutes(text, at);
    if (!offset || at != text.size()) return std::nullopt;
    auto time = to_unix_ms(*y, *mo, *d, *h, *mi, *s, *ms);
    if (!time) return std::nullopt;
    return writable(*time - *offset * 60000);
}

std::optional<UnixMs> parse_amz_date(std::string_view text) {
    std::size_t at = 0;
    auto y = read_digits(text, at, 4);
    auto mo = read_digits(text, at, 2);
    auto d = read_digits(text, at, 2);
    if (!d || !take(text, at, 'T')) return std::nullopt;
    auto h = read_digits(text, at, 2);
    auto mi = read_digits(text, at, 2);
    auto s = read_digits(text, at, 2);
    if (!y || !mo || !h || !mi || !s || !take(text, at, 'Z') || at != text.size()) return std::nullopt;
    auto time = to_unix_ms(*y, *mo, *d, *h, *mi, *s, 0);
    return time ? writable(*time) : std::nullopt;
}

std::size_t utf8_length(std::string_view text, std::size_t at) {
    auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    unsigned lead = byte(at);
    if (at >= text.size()) return 0;
    if (lead < 0x80) return 1;
    std::size_t length = lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (length == 0) return 0;
    unsigned point = lead & (0xffU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
        if ((byte(at + k) & 0xc0) != 0x80) return 0;
        point = point << 6 | (byte(at + k) & 0x3f);
    }
    constexpr std::array<unsigned, 5> least = {0, 0, 0x80, 0x800, 0x10000};
    bool good = point >= least.at(length) && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
    return good ? length : 0;
}

bool utf8_valid(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        auto length = utf8_length(text, at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

bool xml_character(std::string_view character) {
    if (character.empty()) return false;
    auto first = static_cast<unsigned char>(character.front());
    if (character.size() == 1) return first >= 0x20 || first == '\t' || first == '\n' || first == '\r';
    return character != "\xEF\xBF\xBE" && character != "\xEF\xBF\xBF";
}

}  // namespace lodge
