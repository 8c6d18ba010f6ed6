#include "proto/ovsdb/results.h"

#include <algorithm>

namespace lodge::ovsdb {
namespace {

using Json = nlohmann::json;

// Of a member that should be text.
std::string text_of(const Json& object, const char* name) {
    auto found = object.find(name);
    if (found == object.end() || found->is_null()) return {};
    return found->is_string() ? found->get<std::string>() : found->dump();
}

Error transaction_error(const Json& error) {
    auto name = text_of(error, "error");
    auto details = text_of(error, "details");
    auto code = name == "timed out" ? ErrorCode::conflict : ErrorCode::internal_error;
    if (name.empty()) name = "unknown error";
    return Error{code, details.empty() ? name : name + ": " + details};
}

}  // namespace

Result<Json> results_of(const Json& reply, std::size_t operations) {
    if (auto error = reply.find("error"); error != reply.end() && !error->is_null())
        return fail(ErrorCode::internal_error, error->dump());
    auto results = reply.find("result");
    if (results == reply.end() || !results->is_array())
        return fail(ErrorCode::internal_error, "the OVSDB server's reply has no result");
    for (const auto& result : *results)
        if (result.is_object() && result.contains("error"))
            return tl::unexpected<Error>(transaction_error(result));
    if (results->size() < operations ||
        !std::all_of(results->begin(), results->end(), [](const Json& each) { return each.is_object(); }))
        return fail(ErrorCode::internal_error, "the OVSDB server's reply lacks results");
    return *results;
}

}  // namespace lodge::ovsdb
