// Numbers as text. Pure functions; any thread.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace lodge {

// A decimal number that is all of the text, and that T holds; T's sign, no plus, no blanks.
template <class T>
std::optional<T> parse_number(std::string_view text) {
    T value{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stop == end ? std::optional<T>(value) : std::nullopt;
}

}  // namespace lodge
