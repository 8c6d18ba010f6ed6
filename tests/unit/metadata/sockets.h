// Blocking sockets of tests, from any of 127/8, with a few seconds of patience.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

namespace lodge::agent::testing {

inline sockaddr_in endpoint(const std::string& address, std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &out.sin_addr);
    return out;
}

class Socket {
  public:
    // Bound to the address, on a port of its own unless one is given.
    Socket(int type, const std::string& address, std::uint16_t port = 0)
        : fd_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
        timeval patience{5, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        auto from = endpoint(address, port);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&from), sizeof from), 0) << errno;
    }
    explicit Socket(int fd) : fd_(fd) {
        timeval patience{5, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&&) = delete;
    ~Socket() {
        if (fd_ >= 0) ::close(fd_);
    }

    int fd() const { return fd_; }
    std::uint16_t port() const {
        sockaddr_in own{};
        socklen_t size = sizeof own;
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size);
        return ntohs(own.sin_port);
    }
    bool connect(const std::string& address, std::uint16_t port) const {
        auto to = endpoint(address, port);
        return ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
    void send(const std::string& bytes) const { ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
    // One datagram, or what there is of a stream; empty at its end, or when nothing comes.
    std::string receive() const {
        std::string bytes(65'536, '\0');
        auto size = ::recv(fd_, bytes.data(), bytes.size(), 0);
        return bytes.substr(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    }
    std::string receive(std::size_t size) const {
        std::string bytes;
        while (bytes.size() < size) {
            auto more = receive();
            if (more.empty()) break;
            bytes += more;
        }
        return bytes;
    }
    std::string receive_all() const { return receive(std::string::npos); }

  private:
    int fd_;
};

// One that was free a moment ago, for both TCP and UDP.
inline std::uint16_t free_port(const std::string& address = "127.0.0.1") {
    for (;;) {
        Socket tcp(SOCK_STREAM, address);
        Socket udp(SOCK_DGRAM, address);
        auto wanted = endpoint(address, tcp.port());
        int probe = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const bool free = ::bind(probe, reinterpret_cast<sockaddr*>(&wanted), sizeof wanted) == 0;
        ::close(probe);
        if (free) return tcp.port();
    }
}

inline bool eventually(const std::function<bool()>& done) {
    for (int i = 0; i < 1000; ++i) {
        if (done()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

}  // namespace lodge::agent::testing
