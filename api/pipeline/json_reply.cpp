#include "api/pipeline/json_reply.h"

#include <nlohmann/json.hpp>

namespace lodge::api {

http::Response json_response(int status, std::string body) {
    http::Response response;
    response.status = status;
    response.content_type = "application/json";
    response.body = std::move(body);
    return response;
}

http::Response json_error(const Error& error) {
    nlohmann::json body = {{"code", std::string(wire_code(error.code))}, {"message", error.message}};
    return json_response(http_status(error.code),
                         body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

http::Response json_render_error(int status, std::string_view reason) {
    nlohmann::json body = {{"code", "InvalidInput"}, {"message", std::string(reason)}};
    return json_response(status, body.dump());
}

}  // namespace lodge::api
