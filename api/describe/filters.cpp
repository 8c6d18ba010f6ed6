#include "api/describe/filters.h"

#include <algorithm>

namespace lodge::describe {
namespace {

// The bytes of the UTF-8 character at `at`, so that ? stands for a character and not for a byte.
std::size_t character_length(std::string_view text, std::size_t at) {
    std::size_t end = at + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
    return end - at;
}

}  // namespace

Pattern::Pattern(std::string_view pattern) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        char c = pattern[i];
        if (c == '\\' && i + 1 < pattern.size()) {
            elements_.push_back({Element::Kind::literal, pattern[++i]});
        } else if (c == '*') {
            elements_.push_back({Element::Kind::any_run});
        } else {
            elements_.push_back({c == '?' ? Element::Kind::any_one : Element::Kind::literal, c});
        }
    }
}

bool Pattern::matches(std::string_view text) const {
    const auto& elements = elements_;
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
        for (const auto& value : filter.value)
            if (value.size() > max_value_bytes)
                return fail(ErrorCode::invalid_parameter_value,
                            "A value of the filter '" + filter.name + "' has more than " +
                                std::to_string(max_value_bytes) + " bytes");
        total += filter.value.size();
    }
    if (total > max_filter_values)
        return fail(ErrorCode::filter_limit_exceeded, std::to_string(max_filter_values));
    return {};
}

std::vector<Pattern> patterns_of(const ec2::Filter& filter) {
    return {filter.value.begin(), filter.value.end()};
}

bool any_match(const std::vector<Pattern>& patterns, const Values& values) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const Pattern& pattern) {
        return std::any_of(values.begin(), values.end(),
                           [&](const std::string& value) { return pattern.matches(value); });
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
