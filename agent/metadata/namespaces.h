// Sockets in another network namespace. A socket stays in the namespace it was made in, whichever thread uses
// it. Any thread; each call takes a thread of its own into the namespace and back to nothing.
#pragma once

#include <cstdint>
#include <string>

#include "agent/storage/files.h"
#include "proto/base/result.h"

namespace lodge::agent {

enum class SocketKind { tcp, udp };

// Bound to an IPv4 address and port (any address for "0.0.0.0"), not yet listening; an address that is not
// there yet is taken nevertheless. `netns`: the namespace's path; empty for our own. io_failure with the
// system's words.
Result<Fd> bound_socket(const std::string& netns, SocketKind kind, const std::string& address,
                        std::uint16_t port);

}  // namespace lodge::agent
