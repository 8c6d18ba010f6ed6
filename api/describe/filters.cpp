#include "api/describe/filters.h"

#include <algorithm>

namespace lodge::describe {
namespace {

// A pattern as single characters and wildcards.
struct Element {
    enum class Kind : std::uint8_t { literal, any_one, any_run } kind;
    char literal = 0;
};

std::vector<Element> parse(std::string_view pattern) {
    std::vector<Element> out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        char c = pattern[i];
        if (c == '\\' && i + 1 < pattern.size()) {
            out.push_back({Element::Kind::literal, pattern[++i]});
        } else if (c == '*') {
            out.push_back({Element::Kind::any_run});
        } else {
            out.push_back({c == '?' ? Element::Kind::any_one : Element::Kind::literal, c});
        }
    }
    return out;
}

// The bytes of the UTF-8 character at `at`, so that ? stands for a character and not for a byte.
std::size_t character_length(std::string_view text, std::size_t at) {
    std::size_t end = at + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
    return end - at;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
    if (pattern.find_first_of("*?\\") == std::string_view::npos) return pattern == text;
    auto elements = parse(pattern);
    std::size_t e = 0;
    std::size_t t = 0;
    std::size_t run = std::string_view::npos;  // the last any_run, to come back to
    std::size_t run_text = 0;
    while (t < text.size()) {
        if (e < elements.size() && elements[e].kind == Element::Kind::any_run) {
            run = e++;
            run_text = t;
        } else if (e < elements.size() && elements[e].kind == Element::Kind::any_one) {
            t += character_length(text, t);
            ++e;
        } else if (e < elements.size() && elements[e].literal == text[t]) {
            ++t;
            ++e;
        } else if (run != std::string_view::npos) {
            e = run + 1;
            t = ++run_text;
        } else {
            return false;
        }
    }
    while (e < elements.size() && elements[e].kind == Element::Kind::any_run) ++e;
    return e == elements.size();
}

Status check_filters(const std::vector<ec2::Filter>& filters) {
    std::size_t total = 0;
    for (const auto& filter : filters) {
        if (filter.value.empty())
            return fail(ErrorCode::invalid_parameter_value, "The filter '" + filter.name + "' has no values");
        total += filter.value.size();
    }
    if (total > max_filter_values)
        return fail(ErrorCode::filter_limit_exceeded, std::to_string(max_filter_values));
    return {};
}

bool any_match(const ec2::Filter& filter, const Values& values) {
    return std::any_of(filter.value.begin(), filter.value.end(), [&](const std::string& pattern) {
        return std::any_of(values.begin(), values.end(),
                           [&](const std::string& value) { return matches(pattern, value); });
    });
}

bool tag_values(std::string_view name, const std::vector<Tag>& tags, Values& out) {
    if (name.starts_with("tag:") && name.size() > 4) {
        for (const auto& tag : tags)
            if (tag.key == name.substr(4)) out.push_back(tag.value);
        return true;
    }
    if (name != "tag-key" && name != "tag-value") return false;
    for (const auto& tag : tags) out.push_back(name == "tag-key" ? tag.key : tag.value);
    return true;
}

}  // namespace lodge::describe
