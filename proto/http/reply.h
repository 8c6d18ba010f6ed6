// Inside proto/http only: the way back from a Handler to its connection.
#pragma once

#include <memory>

#include "proto/http/asio.h"
#include "proto/http/server.h"

namespace lodge::http {

class Connection;

// Answers the request that `connection` is handling, on the connection's own thread: at once if called there,
// else through `loop`. Refers to the connection weakly: it may close first.
Reply make_reply(std::shared_ptr<Loop> loop, std::weak_ptr<Connection> connection);

}  // namespace lodge::http
