#include "proto/http/service.h"

#include <spdlog/spdlog.h>

namespace lodge::http {

Response Service::error(int status, std::string_view reason) const {
    if (!config.render_error) return plain_error(status, reason);
    try {
        auto response = config.render_error(status, reason);
        response.status = status;
        response.file.reset();
        return response;
    } catch (const std::exception& exception) {
        spdlog::error("http: rendering an error failed: {}", exception.what());
        return plain_error(status, reason);
    }
}

Response Service::plain_error(int status, std::string_view reason) {
    Response response;
    response.status = status;
    response.content_type = "text/plain";
    response.body.append(reason).append("\n");
    return response;
}

void Service::connection_closed(const std::string& peer_address) {
    if (config.left && !peer_address.starts_with("unix")) config.left(peer_address);
    if (open_connections.fetch_sub(1) != 1) return;
    std::lock_guard lock(mutex);
    all_closed.notify_all();
}

}  // namespace lodge::http
