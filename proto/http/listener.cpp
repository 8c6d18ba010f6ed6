#include "proto/http/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace lodge::http {
namespace {

constexpr int backlog = 1024;
constexpr int accepts_per_wake = 64;
constexpr auto pause_after_failure = std::chrono::milliseconds(100);

tl::unexpected<Error> listen_failure(const std::string& where, int error) {
    return fail(ErrorCode::io_failure,
                "cannot listen on " + where + ": " + std::generic_category().message(error));
}

void set_option(int fd, int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

// The peer's uid is the kernel's word, not the peer's.
std::string unix_peer(int fd) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return "unix";
    return "unix:" + std::to_string(credentials.uid);
}

// IPv4 clients of an IPv6 socket are shown as IPv4.
std::string ip_peer(const net::ip::tcp::endpoint& endpoint) {
    auto address = endpoint.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6()).to_string();
    return address.to_string();
}

Result<sockaddr_un> unix_address(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto& text = path.native();
    if (text.size() >= sizeof address.sun_path) return listen_failure(text, ENAMETOOLONG);
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    return address;
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

// A socket that nobody listens on is left from a process that died.
Status remove_dead_socket(const std::filesystem::path& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return {};
    if (!S_ISSOCK(status.st_mode)) return listen_failure(path.native(), EEXIST);
    Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno != ECONNREFUSED)
        return listen_failure(path.native(), EADDRINUSE);
    ::unlink(path.c_str());
    return {};
}

bool transient(int error) {
    return error == EINTR || error == ECONNABORTED || error == EPROTO;
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(const Config& config, net::io_context& context) {
    std::unique_ptr<Listener> listener(new Listener(context));
    const auto& path = config.unix_socket_path;
    LODGE_CHECK(path.empty() ? listener->bind_tcp(config) : listener->bind_unix(path));
    return listener;
}

Result<std::unique_ptr<Listener>> Listener::adopt(Fd fd, std::string tag, net::io_context& context) {
    std::unique_ptr<Listener> listener(new Listener(context));
    listener->tag_ = std::move(tag);
    LODGE_CHECK(listener->listen(std::move(fd), listener->tag_));
    return listener;
}

Listener::~Listener() {
    struct stat now {};
    if (path_.empty() || ::lstat(path_.c_str(), &now) != 0) return;
    if (now.st_dev == file_.st_dev && now.st_ino == file_.st_ino) ::unlink(path_.c_str());
}

Status Listener::bind_tcp(const Config& config) {
    error_code ec;
    auto ip = net::ip::make_address(config.address, ec);
    if (ec) return fail(ErrorCode::invalid_input, "'" + config.address + "' is not an IP address.");
    net::ip::tcp::endpoint endpoint(ip, config.port);
    const auto where =
        (ip.is_v6() ? "[" + config.address + "]" : config.address) + ":" + std::to_string(config.port);
    Fd fd(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return listen_failure(where, errno);
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (ip.is_v6()) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (::bind(fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0)
        return listen_failure(where, errno);
    auto size = static_cast<socklen_t>(endpoint.capacity());
    if (::getsockname(fd.get(), endpoint.data(), &size) == 0) port_ = endpoint.port();
    return listen(std::move(fd), where);
}

// Nobody can connect before listen(), so that the mode is set in time.
Status Listener::bind_unix(const std::filesystem::path& path) {
    LODGE_TRY(auto address, unix_address(path));
    LODGE_CHECK(remove_dead_socket(path, address));
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || ::bind(fd.get(), generic(address), sizeof address) != 0)
        return listen_failure(path.native(), errno);
    path_ = path;
    if (::lstat(path.c_str(), &file_) != 0 || ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0)
        return listen_failure(path.native(), errno);
    return listen(std::move(fd), path.native());
}

Status Listener::listen(Fd fd, const std::string& where) {
    if (::listen(fd.get(), backlog) != 0) return listen_failure(where, errno);
    error_code ec;
    socket_.assign(fd.get(), ec);
    if (ec) return listen_failure(where, ec.value());
    fd.release();
    return {};
}

void Listener::start(Accept accept) {
    accept_ = std::move(accept);
    wait();
}

void Listener::close() {
    error_code ignored;
    socket_.close(ignored);
    pause_.cancel();
}

void Listener::wait() {
    socket_.async_wait(net::posix::descriptor_base::wait_read, [this](const error_code& ec) {
        if (!ec && socket_.is_open()) accept_some();
    });
}

void Listener::accept_some() {
    int left = accepts_per_wake;
    while (left > 0 && accept_one()) --left;
    const bool none_left = left == 0 || errno == EAGAIN || errno == EWOULDBLOCK;
    if (none_left) return wait();
    if (!failing_) spdlog::warn("http: cannot accept: {}", std::generic_category().message(errno));
    failing_ = true;
    pause_.expires_after(pause_after_failure);
    pause_.async_wait([this](const error_code& ec) {
        if (!ec && socket_.is_open()) wait();
    });
}

// False, with errno, when there is nobody to accept or it cannot be done now. The new descriptor is never
// seen by a child process.
bool Listener::accept_one() {
    net::ip::tcp::endpoint peer;
    auto size = static_cast<socklen_t>(peer.capacity());
    Fd fd(::accept4(socket_.native_handle(), peer.data(), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return transient(errno);
    Accepted accepted;
    accepted.family = path_.empty() ? peer.protocol().family() : AF_UNIX;
    accepted.peer_address = path_.empty() ? ip_peer(peer) : unix_peer(fd.get());
    if (!tag_.empty()) accepted.peer_address = tag_ + "/" + accepted.peer_address;
    if (path_.empty()) set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    accepted.fd = std::move(fd);
    failing_ = false;
    accept_(std::move(accepted));
    return true;
}

}  // namespace lodge::http
