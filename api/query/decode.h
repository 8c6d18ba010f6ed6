// Form -> struct, by the IDL's tables. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "api/query/form.h"
#include "proto/ec2/table.h"

namespace lodge::query {

// Fills `object`, a default-made struct of `table`, from the request's parameters.
// Errors name the parameter: UnknownParameter, MissingParameter, InvalidParameterValue, UnsupportedOperation.
// Forms that older clients send are read too: `Name=x` or `Name.member.1=x` for a list, `Name.1=x` for a
// single value, lists that count from 0.
// `within` is what the messages put before the names, for parameters that are a part of a request.
Status decode(const ParameterTree& parameters, const ec2::StructTable& table, void* object,
              std::string_view within = "");

// As clients spell a boolean; nothing for anything else.
std::optional<bool> parse_bool(std::string_view text);

}  // namespace lodge::query
