#include "api/keys/public_key.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/base/encoding.h"
#include "proto/base/letters.h"

namespace lodge::keys {
namespace {

constexpr std::string_view blanks = " \t";
constexpr std::string_view ssh2_begin = "---- BEGIN SSH2 PUBLIC KEY ----";
constexpr std::string_view ssh2_end = "---- END SSH2 PUBLIC KEY ----";
constexpr std::string_view pem_begin = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view pem_end = "-----END PUBLIC KEY-----";

// Takes what stands before the next blank, and the blanks behind it.
std::string_view take_word(std::string_view& text) {
    auto word = text.substr(0, text.find_first_of(blanks));
    text.remove_prefix(word.size());
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return word;
}

// Takes the next line, without its end (LF, CR LF or CR).
std::string_view take_line(std::string_view& text) {
    auto line = text.substr(0, text.find_first_of("\r\n"));
    text.remove_prefix(line.size());
    text.remove_prefix(text.starts_with("\r\n") ? 2 : text.empty() ? 0 : 1);
    return line;
}

// What stands between `begin` and `end`, if the text is that and nothing more.
std::optional<std::string_view> between(std::string_view text, std::string_view begin, std::string_view end) {
    if (!text.starts_with(begin)) return std::nullopt;
    text.remove_prefix(begin.size());
    if (!text.ends_with(end)) return std::nullopt;
    text.remove_suffix(end.size());
    return text;
}

Result<Pkey> pkey_of_base64_blob(std::string_view base64) {
    auto blob = base64_decode(base64);
    if (!blob) return bad_key("The key is not in base64.");
    return pkey_of_blob(*blob);
}

// A header's value goes on in the next line after a '\' (RFC 4716, 3.3). Moves `rest` past it.
std::string take_value(std::string_view first, std::string_view& rest) {
    std::string value(first);
    while (value.ends_with('\\')) {
        value.pop_back();
        if (rest.empty()) break;
        value += take_line(rest);
    }
    value.erase(0, value.find_first_not_of(blanks));
    return value;
}

std::string without_quotes(std::string value) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        return value.substr(1, value.size() - 2);
    return value;
}

// Tags are told apart without regard to case (RFC 4716, 3.3).
bool is_comment_tag(std::string_view tag) {
    return equal_but_for_case(tag, "comment");
}

}  // namespace

std::string one_line(std::string_view comment) {
    std::string out(comment);
    for (char& c : out)
        if ((c >= 0 && c < ' ') || c == '\x7f') c = '_';
    return out;
}

std::string public_line(KeyType type, std::string_view blob, std::string_view comment) {
    return fmt::format("{} {}{}{}", ssh_name(type), base64_encode(blob), comment.empty() ? "" : " ", comment);
}

Result<FoundKey> read_openssh_line(std::string_view text) {
    if (text.find_first_of("\r\n") != std::string_view::npos) return bad_key("There is more than one line.");
    auto name = take_word(text);
    if (name != ssh_name(KeyType::rsa) && name != ssh_name(KeyType::ed25519))
        return bad_key("The line does not begin with ssh-rsa or ssh-ed25519.");
    LODGE_TRY(auto pkey, pkey_of_base64_blob(take_word(text)));
    if (EVP_PKEY_is_a(pkey.get(), "RSA") != (name == ssh_name(KeyType::rsa)))
        return bad_key("The key is of another kind than its line says.");
    return FoundKey{std::move(pkey), one_line(text)};
}

Result<FoundKey> read_ssh2(std::string_view text) {
    auto inner = between(text, ssh2_begin, ssh2_end);
    if (!inner) return bad_key("The SSH2 public key has no end.");
    std::string base64;
    std::string comment;
    while (!inner->empty()) {
        auto line = take_line(*inner);
        auto colon = line.find(':');
        if (colon == std::string_view::npos) {
            base64 += line;
            continue;
        }
        auto value = take_value(line.substr(colon + 1), *inner);
        if (is_comment_tag(line.substr(0, colon))) comment = without_quotes(std::move(value));
    }
    LODGE_TRY(auto pkey, pkey_of_base64_blob(base64));
    return FoundKey{std::move(pkey), one_line(comment)};
}

Result<FoundKey> read_pem(std::string_view text) {
    auto inner = between(text, pem_begin, pem_end);
    if (!inner) return bad_key("The PEM file does not hold one PUBLIC KEY.");
    return read_base64_der(*inner);
}

Result<FoundKey> read_base64_der(std::string_view text) {
    auto der = base64_decode(text);
    if (!der) return bad_key("The key is not in a format that is known here.");
    LODGE_TRY(auto pkey, pkey_of_der(*der));
    return FoundKey{std::move(pkey), ""};
}

}  // namespace lodge::keys
