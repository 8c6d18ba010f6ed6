// JSON over HTTP, as the agents' link and the operators' API speak it.
#pragma once

#include <string>

#include "proto/base/result.h"
#include "proto/http/server.h"

namespace lodge::api {

http::Response json_response(int status, std::string body);
// {"code","message"} with the code's status.
http::Response json_error(const Error& error);
// For http::Config::render_error.
http::Response json_render_error(int status, std::string_view reason);

}  // namespace lodge::api
