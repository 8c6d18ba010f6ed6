// Filters of Describe actions. Source: EC2 user guide, "Filter your resources": filters are joined by AND,
// values of one by OR; values match case-sensitively, * stands for any run of characters, ? for one, a
// backslash makes either plain.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/ec2/common.h"
#include "proto/model/tag.h"

namespace lodge::describe {

inline constexpr std::size_t max_filter_values = 200;  // of one request

inline constexpr std::size_t max_value_bytes = 1'024;

// One value of a filter, read once for all records.
class Pattern {
  public:
    explicit Pattern(std::string_view pattern);
    // Whether the whole of `text` matches. Linear in text times pattern at worst.
    bool matches(std::string_view text) const;

  private:
    struct Element {
        enum class Kind : std::uint8_t { literal, any_one, any_run } kind;
        char literal = 0;
    };
    std::vector<Element> elements_;
};

using Values = std::vector<std::string>;

// One filter a resource has: its name, and the values of a record that it looks at.
template <class R>
struct FilterField {
    std::string_view name;
    std::function<void(const R&, Values&)> values;
};

template <class R>
using FilterTable = std::vector<FilterField<R>>;

// Errors: FilterLimitExceeded, InvalidParameterValue for a filter without values or with too long a one.
Status check_filters(const std::vector<ec2::Filter>& filters);

std::vector<Pattern> patterns_of(const ec2::Filter& filter);
// Whether any of the patterns matches any of the values.
bool any_match(const std::vector<Pattern>& patterns, const Values& values);

// The values of the tag filters tag:KEY, tag-key and tag-value; false if `name` is none of them.
bool tag_values(std::string_view name, const std::vector<Tag>& tags, Values& out);

// A request's filters over one resource's table.
template <class R>
class Filters {
  public:
    // `tags` may be null for resources without any. Unknown names are InvalidParameterValue.
    static Result<Filters> make(const std::vector<ec2::Filter>& requested, const FilterTable<R>& table,
                                const std::vector<Tag>& (*tags)(const R&)) {
        LODGE_CHECK(check_filters(requested));
        Filters made;
        made.tags_ = tags;
        for (const auto& filter : requested) {
            const FilterField<R>* field = nullptr;
            for (const auto& each : table)
                if (each.name == filter.name) field = &each;
            Values ignored;
            if (!field && !(tags && tag_values(filter.name, {}, ignored)))
                return fail(ErrorCode::invalid_parameter_value,
                            "The filter '" + filter.name + "' is invalid");
            made.wanted_.push_back({filter.name, patterns_of(filter), field});
        }
        return made;
    }

    bool accept(const R& record) const {
        for (const auto& [name, patterns, field] : wanted_) {
            Values values;
            if (field) {
                field->values(record, values);
            } else {
                tag_values(name, tags_(record), values);
            }
            if (!any_match(patterns, values)) return false;
        }
        return true;
    }

  private:
    struct Wanted {
        std::string name;
        std::vector<Pattern> patterns;
        const FilterField<R>* field;  // null: a tag filter
    };
    std::vector<Wanted> wanted_;
    const std::vector<Tag>& (*tags_)(const R&) = nullptr;
};

}  // namespace lodge::describe
