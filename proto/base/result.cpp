#include "proto/base/result.h"

#include <array>

namespace lodge {
namespace {

struct Row {
    std::string_view wire;
    int http;
    std::string_view text;
};

constexpr std::array rows = {
#define LODGE_ERROR(name, wire, http, text) Row{wire, http, text},
#include "proto/base/errors.def"
#undef LODGE_ERROR
};

const Row& row(ErrorCode code) {
    return rows.at(static_cast<std::size_t>(code));
}

}  // namespace

std::string_view wire_code(ErrorCode code) {
    return row(code).wire;
}

int http_status(ErrorCode code) {
    return row(code).http;
}

ErrorCode code_from_wire(std::string_view wire) {
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].wire == wire) return static_cast<ErrorCode>(i);
    return ErrorCode::internal_error;
}

Error make_error(ErrorCode code, std::initializer_list<std::string_view> args) {
    std::string_view text = row(code).text;
    std::string message;
    const auto* arg = args.begin();
    for (std::size_t at = 0; at < text.size();) {
        auto hole = text.find("{}", at);
        message += text.substr(at, hole - at);
        if (hole == std::string_view::npos) break;
        if (arg != args.end()) message += *arg++;
        at = hole + 2;
    }
    return Error{code, std::move(message)};
}

}  // namespace lodge
