// Enumerations as the words that the database, the agents' link and clients share.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace lodge {

// Specialised beside each enumeration: `static constexpr std::array<std::pair<E, std::string_view>, N>
// words`.
template <class E>
struct EnumText;

template <class E>
constexpr std::string_view to_text(E value) {
    for (const auto& [each, word] : EnumText<E>::words)
        if (each == value) return word;
    return {};
}

template <class E>
constexpr std::optional<E> from_text(std::string_view text) {
    for (const auto& [each, word] : EnumText<E>::words)
        if (word == text) return each;
    return std::nullopt;
}

}  // namespace lodge
