#include "api/query/form.h"

#include <algorithm>
#include <array>

#include "proto/base/encoding.h"

namespace lodge::query {
namespace {

Result<Parameter> parse_pair(std::string_view pair) {
    auto equals = pair.find('=');
    auto key = percent_decode(pair.substr(0, equals), true);
    auto value =
        equals == std::string_view::npos ? std::string() : percent_decode(pair.substr(equals + 1), true);
    if (!key || !value) return fail(ErrorCode::malformed_query_string, "an escape is broken.");
    if (key->empty() || key->size() > max_key_bytes)
        return fail(ErrorCode::malformed_query_string, "a parameter's name is empty or too long.");
    return Parameter{std::move(*key), std::move(*value)};
}

Status refuse_duplicates(const Parameters& parameters) {
    std::vector<std::string_view> keys;
    keys.reserve(parameters.size());
    for (const auto& parameter : parameters) keys.emplace_back(parameter.key);
    std::sort(keys.begin(), keys.end());
    auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice == keys.end()) return {};
    return fail(ErrorCode::invalid_query_parameter,
                "The parameter " + std::string(*twice) + " is given twice.");
}

Status insert(ParameterTree::Node& root, const Parameter& parameter) {
    auto* node = &root;
    std::string_view rest = parameter.key;
    for (std::size_t depth = 0; !rest.empty(); ++depth) {
        if (depth == max_key_depth) return fail(ErrorCode::unknown_parameter, parameter.key);
        auto dot = rest.find('.');
        auto segment = rest.substr(0, dot);
        if (segment.empty()) return fail(ErrorCode::unknown_parameter, parameter.key);
        node = &node->children[segment];
        rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
        if (dot != std::string_view::npos && rest.empty())
            return fail(ErrorCode::unknown_parameter, parameter.key);
    }
    node->value = parameter.value;
    return {};
}

}  // namespace

Result<Parameters> parse_form(std::string_view text) {
    Parameters parameters;
    while (!text.empty()) {
        auto end = text.find('&');
        auto pair = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (pair.empty()) continue;
        if (parameters.size() == max_parameters)
            return fail(ErrorCode::malformed_query_string, "too many parameters.");
        LODGE_TRY(auto parameter, parse_pair(pair));
        parameters.push_back(std::move(parameter));
    }
    LODGE_CHECK(refuse_duplicates(parameters));
    return parameters;
}

const std::string* find(const Parameters& parameters, std::string_view key) {
    auto hit =
        std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.key == key; });
    return hit == parameters.end() ? nullptr : &hit->value;
}

bool protocol_parameter(std::string_view key) {
    static constexpr std::array<std::string_view, 8> names = {
        "Action",           "Version",   "AWSAccessKeyId", "SignatureMethod",
        "SignatureVersion", "Signature", "Timestamp",      "Expires"};
    return key.starts_with("X-Amz-") || std::find(names.begin(), names.end(), key) != names.end();
}

Result<ParameterTree> ParameterTree::build(const Parameters& parameters) {
    ParameterTree tree;
    for (const auto& parameter : parameters)
        if (!protocol_parameter(parameter.key)) LODGE_CHECK(insert(tree.root_, parameter));
    return tree;
}

std::string fingerprint(const Parameters& parameters) {
    std::vector<const Parameter*> sorted;
    for (const auto& p : parameters)
        if (!protocol_parameter(p.key) && p.key != "ClientToken" && p.key != "DryRun") sorted.push_back(&p);
    std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->key < b->key; });
    std::string text;
    for (const auto* p : sorted)
        text +=
            std::to_string(p->key.size()) + ':' + p->key + std::to_string(p->value.size()) + ':' + p->value;
    return hex_encode(sha256(text));
}

}  // namespace lodge::query
