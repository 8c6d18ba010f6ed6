// Inside proto/http only: TLS as the server end speaks it.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "proto/http/server.h"
#include "proto/http/transport.h"

namespace lodge::http {

// Reads the files and checks that they fit together; the error names the file.
Result<std::unique_ptr<net::ssl::context>> make_tls_context(const Tls& tls);

// `context` must outlive the transport.
std::unique_ptr<Transport> make_tls_transport(Socket socket, net::ssl::context& context);

}  // namespace lodge::http
