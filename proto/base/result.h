// Expected failures are values: Result<T> holds a T or an Error with a code of the one table in errors.def.
// Exceptions do not leave a module; assertions are for bugs and never reachable from input.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace lodge {

// Every error a client can be told, named after its wire code. See errors.def.
enum class ErrorCode : std::uint8_t {
#define LODGE_ERROR(name, wire, http, text) name,
#include "proto/base/errors.def"
#undef LODGE_ERROR
};

struct Error {
    ErrorCode code;
    std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

// The code as clients see it, e.g. "InvalidInstanceID.NotFound".
std::string_view wire_code(ErrorCode code);

// The HTTP status that goes with the code.
int http_status(ErrorCode code);

// The code with that wire name; internal_error for a name the table does not have.
ErrorCode code_from_wire(std::string_view wire);

// The table's message for `code`, its {} filled with `args` in order; surplus {} stay empty.
Error make_error(ErrorCode code, std::initializer_list<std::string_view> args = {});

// `return fail(ErrorCode::X, id);` from any function that returns a Result.
template <class... Args>
tl::unexpected<Error> fail(ErrorCode code, const Args&... args) {
    return tl::unexpected<Error>(make_error(code, {std::string_view(args)...}));
}

}  // namespace lodge

// NOLINTBEGIN(bugprone-macro-parentheses): `var` is a declaration.
// Assigns the value of a Result to `var`, or returns its error from the calling function.
#define LODGE_TRY(var, expr) LODGE_TRY_IMPL(var, expr, LODGE_TRY_NAME(__LINE__))
#define LODGE_TRY_NAME(line) LODGE_TRY_NAME2(line)
#define LODGE_TRY_NAME2(line) lodge_try_##line
#define LODGE_TRY_IMPL(var, expr, tmp)                                     \
    auto tmp = (expr);                                                     \
    if (!tmp) return tl::unexpected<lodge::Error>(std::move(tmp).error()); \
    var = std::move(*tmp)

// Returns the error of a Status from the calling function.
#define LODGE_CHECK(expr)                          \
    if (auto lodge_status = (expr); !lodge_status) \
    return tl::unexpected<lodge::Error>(std::move(lodge_status).error())
// NOLINTEND(bugprone-macro-parentheses)
