#include "proto/ovsdb/stream.h"

#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace lodge::ovsdb {
namespace {

tl::unexpected<Error> lost(const std::string& why) {
    return fail(ErrorCode::service_unavailable, why);
}

tl::unexpected<Error> lost_by_errno(const std::string& what) {
    return lost(what + ": " + std::strerror(errno));
}

class Socket {
  public:
    explicit Socket(int descriptor) : descriptor_(descriptor) {}
    ~Socket() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    Socket& operator=(Socket&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    int get() const { return descriptor_; }

  private:
    int descriptor_;
};

class PlainStream final : public Stream {
  public:
    explicit PlainStream(Socket socket) : socket_(std::move(socket)) {}

    int descriptor() const override { return socket_.get(); }

    Result<std::size_t> read(char* into, std::size_t most) override {
        auto got = ::recv(socket_.get(), into, most, 0);
        if (got > 0) return static_cast<std::size_t>(got);
        if (got == 0) return lost("the server closed the connection");
        if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
        return lost_by_errno("receiving");
    }

    Result<std::size_t> write(std::string_view bytes) override {
        auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) return static_cast<std::size_t>(sent);
        if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
        return lost_by_errno("sending");
    }

  private:
    Socket socket_;
};

struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

class TlsStream final : public Stream {
  public:
    static Result<std::unique_ptr<Stream>> make(Socket socket, const TlsFiles& files) {
        std::unique_ptr<SSL_CTX, FreeSsl> context(SSL_CTX_new(TLS_client_method()));
        if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
            SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1 ||
            SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_load_verify_locations(context.get(), files.authority.c_str(), nullptr) != 1)
            return fail(ErrorCode::invalid_input, "the certificate files for OVSDB cannot be used");
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
        SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        std::unique_ptr<TlsStream> stream(new TlsStream(std::move(socket)));
        stream->ssl_.reset(SSL_new(context.get()));
        if (!stream->ssl_ || SSL_set_fd(stream->ssl_.get(), stream->socket_.get()) != 1)
            return fail(ErrorCode::io_failure, "OpenSSL refuses the connection");
        SSL_set_connect_state(stream->ssl_.get());
        return stream;
    }

    int descriptor() const override { return socket_.get(); }
    bool wants_write() const override { return wants_write_; }

    Result<std::size_t> read(char* into, std::size_t most) override {
        std::size_t got = 0;
        return outcome(SSL_read_ex(ssl_.get(), into, most, &got), got);
    }

    Result<std::size_t> write(std::string_view bytes) override {
        std::size_t sent = 0;
        return outcome(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent), sent);
    }

  private:
    explicit TlsStream(Socket socket) : socket_(std::move(socket)) {}

    Result<std::size_t> outcome(int code, std::size_t count) {
        wants_write_ = false;
        if (code == 1) return count;
        int error = SSL_get_error(ssl_.get(), code);
        wants_write_ = error == SSL_ERROR_WANT_WRITE;
        if (wants_write_ || error == SSL_ERROR_WANT_READ) return std::size_t{0};
        if (error == SSL_ERROR_ZERO_RETURN) return lost("the server closed the connection");
        return lost("the TLS connection to the OVSDB server failed");
    }

    Socket socket_;
    std::unique_ptr<SSL, FreeSsl> ssl_;
    bool wants_write_ = false;
};

// A non-blocking connect, waited for.
Result<Socket> connect_to(int family, const sockaddr* address, socklen_t length, int timeout_ms) {
    Socket socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.get() < 0) return lost_by_errno("socket");
    if (::connect(socket.get(), address, length) == 0) return socket;
    if (errno != EINPROGRESS && errno != EAGAIN) return lost_by_errno("connecting");
    pollfd waiting{socket.get(), POLLOUT, 0};
    if (::poll(&waiting, 1, timeout_ms) <= 0) return lost("nobody answers in time");
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return lost(std::string("connecting: ") + std::strerror(error));
    return socket;
}

Result<Socket> connect_unix(const std::string& path, int timeout_ms) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof(address.sun_path))
        return fail(ErrorCode::invalid_input, "a unix socket's path has 1 to 107 bytes");
    std::memcpy(address.sun_path, path.data(), path.size());
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API's own way.
    return connect_to(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof(address), timeout_ms);
}

Result<Socket> connect_tcp(std::string_view place, int timeout_ms) {
    auto colon = place.rfind(':');
    if (colon == std::string_view::npos)
        return fail(ErrorCode::invalid_input, "an OVSDB remote is tcp:HOST:PORT");
    std::string host(place.substr(0, colon));
    std::string port(place.substr(colon + 1));
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0)
        return lost(host + ": " + ::gai_strerror(error));
    std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
    Result<Socket> last = lost(host + " has no address");
    for (const auto* each = all.get(); each; each = each->ai_next) {
        last = connect_to(each->ai_family, each->ai_addr, each->ai_addrlen, timeout_ms);
        if (last) return last;
    }
    return last;
}

}  // namespace

Result<std::unique_ptr<Stream>> connect(const std::string& remote, const TlsFiles& tls, int timeout_ms) {
    if (remote.starts_with("unix:")) {
        LODGE_TRY(auto socket, connect_unix(remote.substr(5), timeout_ms));
        return std::make_unique<PlainStream>(std::move(socket));
    }
    if (remote.starts_with("tcp:")) {
        LODGE_TRY(auto socket, connect_tcp(std::string_view(remote).substr(4), timeout_ms));
        return std::make_unique<PlainStream>(std::move(socket));
    }
    if (remote.starts_with("ssl:")) {
        LODGE_TRY(auto socket, connect_tcp(std::string_view(remote).substr(4), timeout_ms));
        return TlsStream::make(std::move(socket), tls);
    }
    return fail(ErrorCode::invalid_input, "an OVSDB remote begins with unix:, tcp: or ssl:, not " + remote);
}

}  // namespace lodge::ovsdb
