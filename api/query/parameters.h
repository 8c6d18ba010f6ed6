// Struct -> parameters, by the IDL's tables: the way back of decode.h. Pure; any thread.
#pragma once

#include <string>

#include "api/query/form.h"
#include "proto/ec2/table.h"

namespace lodge::query {

// What decode() makes an equal struct of. Members that are not set, and those that are not kept (ignored,
// unsupported), are left out; a structure without anything in it is, too.
Parameters parameters_of(const ec2::StructTable& table, const void* object);

// As a form: parse_form() gives the same parameters.
std::string form_text(const Parameters& parameters);

// `base` with `over` laid on it. A list of `over` takes the place of the whole list in `base`; a structure is
// merged member by member. Both are parameters of `table`.
Parameters overlay(const ec2::StructTable& table, const Parameters& base, const Parameters& over);

}  // namespace lodge::query
