#include "api/query/decode.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "proto/base/clock.h"
#include "proto/base/encoding.h"
#include "proto/base/letters.h"
#include "proto/base/number.h"

namespace lodge::query {
namespace {

using ec2::Field;
using ec2::Honour;
using ec2::Kind;
using ec2::StructTable;
using Node = ParameterTree::Node;

// Where in the request we are, for messages; a chain on the stack.
struct Path {
    const Path* parent;
    std::string_view segment;

    std::string text() const {
        if (!parent) return std::string(segment);
        auto before = parent->text();
        return before.empty() ? std::string(segment) : before + "." + std::string(segment);
    }
};

Status decode_struct(const Node& node, const StructTable& table, void* object, const Path& path);

auto invalid(const Path& path, std::string_view value, std::string_view why) {
    std::string shown(value.substr(0, 100));
    return fail(ErrorCode::invalid_parameter_value,
                "Value (" + shown + ") for parameter " + path.text() + " is invalid. " + std::string(why));
}

// XML 1.0 has no way to write some characters, so no reply could ever show them.
bool xml_text(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        auto character = text.substr(at, utf8_length(text, at));
        if (!xml_character(character)) return false;
        at += character.size();
    }
    return true;
}

Status check_text(const Field& field, std::string_view value, const Path& path) {
    if (!xml_text(value)) {
        return fail(
            ErrorCode::invalid_parameter_value,
            "The value of parameter " + path.text() + " holds bytes that are not printable UTF-8 text.");
    }
    auto size = static_cast<std::int64_t>(value.size());
    if (field.low != ec2::no_bound && size < field.low)
        return invalid(path, value, "It needs at least " + std::to_string(field.low) + " bytes.");
    if (field.high != ec2::no_bound && size > field.high)
        return invalid(path, value, "It may have at most " + std::to_string(field.high) + " bytes.");
    auto allowed = field.allowed();
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
        std::string words;
        for (auto word : allowed) words += (words.empty() ? "" : ", ") + std::string(word);
        return invalid(path, value, "Accepted values: " + words + ".");
    }
    return {};
}

Status put_integer(const Field& field, std::string_view text, std::int64_t& out, const Path& path) {
    auto value = parse_number<std::int64_t>(text);
    if (!value) return invalid(path, text, "It is not a whole number.");
    if (field.low != ec2::no_bound && *value < field.low)
        return invalid(path, text, "The least is " + std::to_string(field.low) + ".");
    if (field.high != ec2::no_bound && *value > field.high)
        return invalid(path, text, "The most is " + std::to_string(field.high) + ".");
    out = *value;
    return {};
}

Status put_scalar(const Field& field, std::string_view text, void* out, const Path& path) {
    switch (field.kind) {
        case Kind::string:
            LODGE_CHECK(check_text(field, text, path));
            *static_cast<std::string*>(out) = text;
            return {};
        case Kind::integer:
            return put_integer(field, text, *static_cast<std::int64_t*>(out), path);
        case Kind::boolean: {
            auto value = parse_bool(text);
            if (!value) return invalid(path, text, "It is neither true nor false.");
            *static_cast<bool*>(out) = *value;
            return {};
        }
        case Kind::real: {
            auto value = parse_number<double>(text);
            if (!value || !std::isfinite(*value)) return invalid(path, text, "It is not a number.");
            *static_cast<double*>(out) = *value;
            return {};
        }
        case Kind::timestamp: {
            auto value = parse_time(text);
            if (!value) return invalid(path, text, "It is not an ISO 8601 time.");
            *static_cast<UnixMs*>(out) = *value;
            return {};
        }
        case Kind::blob: {
            auto value = base64_decode(text);
            if (!value)
                return fail(ErrorCode::invalid_parameter_value,
                            "Invalid BASE64 encoding in parameter " + path.text());
            *static_cast<std::string*>(out) = std::move(*value);
            return {};
        }
        case Kind::structure:
            break;
    }
    return fail(ErrorCode::internal_error);
}

Status decode_one(const Field& field, const Node& node, void* out, const Path& path) {
    if (field.kind == Kind::structure) {
        if (node.value) return fail(ErrorCode::unknown_parameter, path.text());
        return decode_struct(node, *field.sub, out, path);
    }
    if (!node.children.empty()) {
        const auto& [name, child] = *node.children.begin();
        return fail(ErrorCode::unknown_parameter, Path{&path, name}.text());
    }
    return put_scalar(field, node.value.value_or(""), out, path);
}

// The elements of a list in the order of their numbers.
Result<std::vector<std::pair<std::uint64_t, const Node*>>> list_items(const Node& node, const Path& path) {
    std::vector<std::pair<std::uint64_t, const Node*>> items;
    items.reserve(node.children.size());
    for (const auto& [name, child] : node.children) {
        auto number = parse_number<std::uint64_t>(name);
        if (!number) return fail(ErrorCode::unknown_parameter, Path{&path, name}.text());
        items.emplace_back(*number, &child);
    }
    std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return items;
}

Status decode_list(const Field& field, const Node& given, void* object, const Path& path) {
    const Node* node = &given;
    if (auto member = given.children.find("member");
        member != given.children.end() && given.children.size() == 1)
        node = &member->second;
    if (node->value && !node->children.empty())
        return fail(ErrorCode::invalid_query_parameter,
                    "The parameter " + path.text() + " is given in two forms.");
    if (node->value) {
        if (node->value->empty()) return {};
        return decode_one(field, *node, field.access.append(object), path);
    }
    LODGE_TRY(auto items, list_items(*node, path));
    for (const auto& [number, item] : items) {
        auto segment = std::to_string(number);
        LODGE_CHECK(decode_one(field, *item, field.access.append(object), Path{&path, segment}));
    }
    return {};
}

// `Name.1=x` where the model has a single value.
const Node& unwrap_single(const Field& field, const Node& node) {
    if (field.kind == Kind::structure || node.value || node.children.size() != 1) return node;
    const auto& [name, child] = *node.children.begin();
    return name == "1" || name == "0" ? child : node;
}

Status refuse(const Field& field, const Path& path) {
    return fail(ErrorCode::unsupported_operation,
                "The parameter " + path.text() + " is not supported: " + std::string(field.note) + ".");
}

bool same_word(const Field& field, std::string_view value) {
    if (field.kind == Kind::boolean) return parse_bool(value) == parse_bool(field.only);
    return value == field.only;
}

Status decode_field(const Field& field, const Node& node, void* object, const Path& path) {
    switch (field.honour) {
        case Honour::ignored:
            if (field.kind != Kind::string || field.list || !node.value) return {};
            return check_text(field, *node.value, path);
        case Honour::unsupported:
            return refuse(field, path);
        case Honour::only:
            if (node.value && same_word(field, *node.value)) return {};
            return refuse(field, path);
        case Honour::honoured:
            break;
    }
    if (field.list) {
        LODGE_CHECK(decode_list(field, node, object, path));
        if (field.required && field.access.size(object) == 0)
            return fail(ErrorCode::missing_parameter, path.text());
        return {};
    }
    return decode_one(field, unwrap_single(field, node), field.access.put(object), path);
}

// Some clients send empty what they do not want. The inside of what is not supported is not known here, so
// that one empty value in it will do.
bool asks_for_nothing(const Field& field, const Node& node) {
    const Node* at = &node;
    while (field.honour == Honour::unsupported && at->children.size() == 1 && !at->value)
        at = &at->children.begin()->second;
    return field.blank && at->children.empty() && at->value && at->value->empty();
}

Status refuse_unknown(const Node& node, const StructTable& table, const Path& path) {
    for (const auto& [name, child] : node.children) {
        bool known = std::any_of(table.fields.begin(), table.fields.end(),
                                 [&, n = name](const Field& f) { return f.query == n; });
        if (known) continue;
        // Name one full key that the client really sent.
        std::string key = Path{&path, name}.text();
        for (const Node* at = &child; !at->value && !at->children.empty(); at = &at->children.begin()->second)
            key += "." + std::string(at->children.begin()->first);
        return fail(ErrorCode::unknown_parameter, key);
    }
    return {};
}

Status decode_struct(const Node& node, const StructTable& table, void* object, const Path& path) {
    LODGE_CHECK(refuse_unknown(node, table, path));
    for (const auto& field : table.fields) {
        auto child = node.children.find(field.query);
        Path here{&path, field.query};
        if (child != node.children.end() && !asks_for_nothing(field, child->second)) {
            LODGE_CHECK(decode_field(field, child->second, object, here));
        } else if (field.required) {
            return fail(ErrorCode::missing_parameter, here.text());
        }
    }
    return {};
}

}  // namespace

std::optional<bool> parse_bool(std::string_view text) {
    if (equal_but_for_case(text, "true") || text == "1") return true;
    if (equal_but_for_case(text, "false") || text == "0") return false;
    return std::nullopt;
}

Status decode(const ParameterTree& parameters, const StructTable& table, void* object,
              std::string_view within) {
    return decode_struct(parameters.root(), table, object, Path{nullptr, within});
}

}  // namespace lodge::query
