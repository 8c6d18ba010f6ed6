#include "agent/network/own_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <memory>

#include "agent/storage/files.h"

namespace lodge::agent {
namespace {

constexpr const char* loopback = "127.0.0.1";

struct FreeAddresses {
    void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};

}  // namespace

std::string own_address(const std::string& remote) {
    const auto begin = remote.find(':');
    const auto end = remote.rfind(':');
    if (remote.starts_with("unix:") || begin == std::string::npos || begin == end) return loopback;
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* raw = nullptr;
    const std::string host = remote.substr(begin + 1, end - begin - 1);
    if (getaddrinfo(host.c_str(), remote.c_str() + end + 1, &hints, &raw) != 0) return loopback;
    const std::unique_ptr<addrinfo, FreeAddresses> found(raw);
    // Connecting a datagram socket sends nothing: it only asks for the way.
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in own{};
    socklen_t size = sizeof(own);
    if (!socket || connect(socket.get(), found->ai_addr, found->ai_addrlen) != 0 ||
        getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0)
        return loopback;
    std::array<char, INET_ADDRSTRLEN> text{};
    return inet_ntop(AF_INET, &own.sin_addr, text.data(), text.size());
}

}  // namespace lodge::agent
