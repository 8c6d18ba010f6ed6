#include "api/cli/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lodge::cli {
namespace {

// C1 controls (U+0080 to U+009F) in UTF-8: some terminals obey them as they obey ESC.
bool is_c1(std::string_view text, std::size_t at) {
    return text[at] == '\xc2' && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xa0;
}

bool plain_in_shell(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./:@%+=,").find(c) != std::string_view::npos;
}

}  // namespace

std::string printable(std::string_view text, bool keep_newlines) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto byte = static_cast<unsigned char>(text[i]);
        if (byte == '\n' && keep_newlines) {
            out += '\n';
        } else if (byte < 0x20 || byte == 0x7f) {
            out += '?';
        } else if (is_c1(text, i)) {
            out += '?';
            ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::size_t display_width(std::string_view utf8) {
    auto starts_code_point = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), starts_code_point));
}

std::string human_bytes(std::int64_t bytes) {
    constexpr std::array units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; value >= 1023.95 && unit + 1 < units.size(); ++unit) value /= 1024;
    return fmt::format("{:.1f} {}", value, units.at(unit));
}

std::string human_duration(std::int64_t ms) {
    if (ms < 1000) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
    std::int64_t s = ms / 1000;
    if (s < 120) return fmt::format("{} s", s);
    if (s < 120 * 60) return fmt::format("{} min", s / 60);
    if (s < 48 * 3600) return fmt::format("{} h", s / 3600);
    return fmt::format("{} d", s / 86400);
}

std::string shell_quote(std::string_view text) {
    if (!text.empty() && std::all_of(text.begin(), text.end(), plain_in_shell)) return std::string(text);
    std::string out = "'";
    for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

}  // namespace lodge::cli
