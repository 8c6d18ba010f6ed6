// A connection to an OVSDB server: "unix:PATH", "tcp:HOST:PORT" or "ssl:HOST:PORT", as OVS's own tools write
// them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace lodge::ovsdb {

// PEM files; for "ssl:" all three.
struct TlsFiles {
    std::filesystem::path certificate;
    std::filesystem::path key;
    std::filesystem::path authority;
};

// Never blocks. One thread.
class Stream {
  public:
    virtual ~Stream() = default;
    virtual int descriptor() const = 0;
    // Bytes read or taken; 0 when it would block. Errors: service_unavailable when the connection is over.
    virtual Result<std::size_t> read(char* into, std::size_t most) = 0;
    virtual Result<std::size_t> write(std::string_view bytes) = 0;
    // Whether the last call waits for the socket to take bytes rather than to have some.
    virtual bool wants_write() const { return false; }
};

// Waits for the connection for up to `timeout_ms`, and no longer. Errors: invalid_input for a remote that is
// none of the three forms, service_unavailable when nobody answers.
Result<std::unique_ptr<Stream>> connect(const std::string& remote, const TlsFiles& tls, int timeout_ms);

}  // namespace lodge::ovsdb
