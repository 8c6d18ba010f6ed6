// A request's parameters out of a form body or a query string, flat and as a tree of dotted names.
// Pure; any thread. Limits keep hostile requests cheap.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace lodge::query {

inline constexpr std::size_t max_parameters = 20'000;
inline constexpr std::size_t max_key_bytes = 1'024;
inline constexpr std::size_t max_key_depth = 16;

struct Parameter {
    std::string key;
    std::string value;
};
using Parameters = std::vector<Parameter>;

// application/x-www-form-urlencoded (WHATWG URL, "urlencoded parsing"), except that broken escapes are an
// error (MalformedQueryString) and so is a name given twice (InvalidQueryParameter).
Result<Parameters> parse_form(std::string_view text);

// The value of a parameter, or null.
const std::string* find(const Parameters& parameters, std::string_view key);

// "Placement.Tenancy=x" as Placement -> Tenancy -> x. Holds views into the Parameters it was made of.
class ParameterTree {
  public:
    struct Node {
        std::optional<std::string_view> value;
        std::map<std::string_view, Node> children;
    };

    // Leaves out the parameters that belong to the protocol: Action, Version, the signature's.
    static Result<ParameterTree> build(const Parameters& parameters);
    const Node& root() const { return root_; }

  private:
    Node root_;
};

// Whether the parameter belongs to the protocol, not to the action.
bool protocol_parameter(std::string_view key);

// SHA-256 (hex) over the action's parameters in order of their names, without ClientToken and DryRun: what
// makes two requests with one ClientToken the same.
std::string fingerprint(const Parameters& parameters);

}  // namespace lodge::query
