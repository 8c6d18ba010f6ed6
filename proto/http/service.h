// Inside proto/http only: what all threads of one server share.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "proto/http/server.h"
#include "proto/http/tls.h"

namespace lodge::http {

struct Service {
    // Set before the threads start, constant from then on.
    Config config;
    Handler handler;
    const Clock* clock = nullptr;
    std::unique_ptr<net::ssl::context> tls;

    std::atomic<std::size_t> open_connections = 0;
    std::atomic<std::uint64_t> total_connections = 0;
    std::atomic<std::uint64_t> body_bytes = 0;  // what connections hold, as Limits::all_bodies_bytes counts
    std::mutex mutex;
    std::condition_variable all_closed;  // under `mutex`, when open_connections comes to 0

    // The owner's answer for an error, or a plain one if the owner has none. No file, and the right status.
    Response error(int status, std::string_view reason) const;
    static Response plain_error(int status, std::string_view reason);

    // After a connection has given its descriptor back.
    void connection_closed(const std::string& peer_address);
};

}  // namespace lodge::http
