// How replies spell what records hold.
#pragma once

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

}  // namespace lodge::api
