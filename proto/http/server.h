// An asynchronous HTTP/1.1 server: the AWS endpoint, the agents' link and the operator's socket are each one
// of these. It knows framing, limits, deadlines and TLS; what a request means is the Handler's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace lodge::http {

// In the order of the wire, names as they were written there.
using Headers = std::vector<std::pair<std::string, std::string>>;

// A complete request. Trailers of a chunked body are dropped.
struct Request {
    std::string method;
    std::string target;  // raw, with the query
    Headers headers;
    std::string body;
    std::string peer_address;  // "192.0.2.1", "2001:db8::1", or "unix:<uid>"
    // Hexadecimal, of the DER; empty without a verified client certificate.
    std::string client_certificate_sha256;

    // The first header of that name, in any case of letters; nullptr if there is none.
    const std::string* header(std::string_view name) const;
};

struct Response {
    int status = 200;          // 200 to 599
    std::string content_type;  // no header if empty
    std::string body;
    // Date, Server, Connection, Content-Length and Transfer-Encoding are the server's own: given here, they
    // are left out. A name that is no token, or a value with CR, LF, NUL or another control character, turns
    // the whole response into a 500.
    Headers headers;
    // Sent instead of `body`. GET with `Range: bytes=…` (one range) gives 206 or 416 if `status` is 200. A
    // file that cannot be opened gives 404.
    std::optional<std::filesystem::path> file;
    bool close = false;  // ends the connection after this response
    // Hops that this response, and whatever follows on its connection, may travel (IP's time to live); 0: as
    // it is. Not on unix sockets.
    int hop_limit = 0;
};

// Answers one request. Any thread, at any later time; only the first call counts. When the last copy goes
// without a call, the client gets a 500. After the client, or the whole Server, has gone, a call does
// nothing.
using Reply = std::function<void(Response)>;

// Called on an I/O thread, on several at once if the server has several: it must not block. A connection's
// next request comes after the reply to the last one. An exception counts as a dropped Reply.
using Handler = std::function<void(Request, Reply)>;

// The body of an answer that the server itself gives: 400, 404, 408, 413, 416, 417, 431, 500, 503. `reason`
// is one English sentence without the client's bytes. Called on I/O threads.
using RenderError = std::function<Response(int status, std::string_view reason)>;

// TLS 1.2 and up. Files are PEM and read once, at start.
struct Tls {
    std::filesystem::path certificate_chain_file;
    std::filesystem::path private_key_file;
    // Clients are asked for a certificate of this authority, good for clientAuth. An untrusted one ends the
    // handshake.
    std::optional<std::filesystem::path> client_ca_file;
    bool require_client_certificate =
        false;  // a client without a certificate is refused too; needs client_ca_file
};

struct Limits {
    std::size_t header_bytes = 64UL * 1024;    // request line and headers together; more is a 431
    std::size_t header_count = 128;            // more is a 431
    std::uint64_t body_bytes = 1024UL * 1024;  // after de-chunking; more is a 413
    // The same for clients without a verified certificate, where that is less.
    std::uint64_t anonymous_body_bytes = std::numeric_limits<std::uint64_t>::max();
    // Bodies of all connections together, received and not yet answered, without the first 16 KiB of each:
    // more is a 503.
    std::uint64_t all_bodies_bytes = 256UL * 1024 * 1024;
    std::size_t max_connections = 4096;  // above, a 503 and close (TLS: close before the handshake)
    std::uint64_t max_requests_per_connection = 0;  // 0: no limit

    // Deadlines on a whole phase, however steadily the bytes drip. They fire up to 100 ms late.
    std::int64_t handshake_timeout_ms = 10'000;
    std::int64_t header_timeout_ms = 10'000;  // from the first byte; also from connect to the first byte
    std::int64_t body_timeout_ms = 30'000;    // from the end of the headers
    std::int64_t idle_timeout_ms = 60'000;    // between two requests
    std::int64_t write_timeout_ms = 30'000;   // for each 256 KiB of a response
};

struct Config {
    // Where to listen: a unix socket if its path is set, else an IP address and a port (0: any free one).
    std::string address = "127.0.0.1";  // "::" takes IPv4 too
    std::uint16_t port = 0;
    std::filesystem::path
        unix_socket_path;  // mode 0600; a dead socket in the way is replaced, a live one is not

    // Instead: nowhere at first; see Server::add_listener().
    bool only_added_listeners = false;

    // A TCP client's admission and end, on an I/O thread: `admit` before its first byte is read; false closes
    // it without a word. `left` is called once for each that was admitted. They must not block.
    std::function<bool(const std::string& peer_address)> admit;
    std::function<void(const std::string& peer_address)> left;

    std::size_t threads = 1;
    std::optional<Tls> tls;  // not on a unix socket
    Limits limits;
    RenderError render_error;      // plain text if not set
    const Clock* clock = nullptr;  // the system's if not set; must outlive the server
};

// Start and stop from any thread but the server's own I/O threads, that is not from a Handler. The getters:
// any thread.
class Server {
  public:
    // Listens and serves. Fails with invalid_input for a contradictory Config, with io_failure, naming the
    // address or file and the reason, for what the system refuses.
    static Result<std::unique_ptr<Server>> start(Config config, Handler handler);

    // As stop(0).
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // The bound port; 0 for a unix socket.
    std::uint16_t port() const;

    // One more TCP socket to serve: bound, not yet listening, made by the caller (in another network
    // namespace, say), and the server's from here on. Its clients' peer addresses are "TAG/ADDRESS".
    // io_failure when it cannot listen. It is closed when remove_listener() returns; connections go on.
    Result<std::uint64_t> add_listener(int descriptor, const std::string& tag);
    void remove_listener(std::uint64_t id);

    // Stops accepting, closes idle connections, lets requests under way finish for up to `grace_ms`, then
    // cuts what is left. When it returns, no Handler runs or will run, and all descriptors are closed.
    // Calling it again does nothing.
    void stop(std::int64_t grace_ms);

    std::size_t open_connections() const;
    std::uint64_t total_connections() const;
    std::uint64_t total_requests() const;

  private:
    class Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace lodge::http
