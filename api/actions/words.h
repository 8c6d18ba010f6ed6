// How replies spell what records hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lodge::api {

inline std::string word(bool value) {
    return value ? "true" : "false";
}

inline std::string able(bool value) {
    return value ? "enabled" : "disabled";
}

// Nothing where there is no text.
inline std::optional<std::string> unless_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

// Nothing where there is none to tell.
inline std::optional<std::int64_t> unless_zero(std::int64_t value) {
    return value == 0 ? std::nullopt : std::optional(value);
}

}  // namespace lodge::api
