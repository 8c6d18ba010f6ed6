#include "api/pipeline/brief.h"

#include <algorithm>
#include <string_view>

#include "proto/base/encoding.h"

namespace lodge::api {
namespace {

constexpr std::size_t few_bytes = 512;
constexpr std::string_view action = "Action=Describe";

// Names, IDs, versions; nothing that is encoded.
bool is_plain(char c) {
    return is_unreserved(c) || c == '=' || c == '&';
}

}  // namespace

bool is_brief(const http::Request& request) {
    const std::string_view body = request.body;
    return request.method == "POST" && request.target == "/" && body.size() <= few_bytes &&
           body.starts_with(action) && body.find("Action=", action.size()) == std::string_view::npos &&
           body.find("Id.1=") != std::string_view::npos && body.find("Filter") == std::string_view::npos &&
           std::all_of(body.begin(), body.end(), is_plain);
}

}  // namespace lodge::api
