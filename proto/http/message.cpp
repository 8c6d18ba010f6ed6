#include <algorithm>

#include "proto/http/server.h"

namespace lodge::http {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

const std::string* Request::header(std::string_view name) const {
    auto found = std::find_if(headers.begin(), headers.end(),
                              [name](const auto& entry) { return same_name(entry.first, name); });
    return found == headers.end() ? nullptr : &found->second;
}

}  // namespace lodge::http
