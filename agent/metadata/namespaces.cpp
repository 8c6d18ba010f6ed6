#include "agent/metadata/namespaces.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace lodge::agent {
namespace {

tl::unexpected<Error> refused(const std::string& doing) {
    return fail(ErrorCode::io_failure, doing + ": " + std::generic_category().message(errno));
}

Result<Fd> make(SocketKind kind, const std::string& address, std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    if (::inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1)
        return fail(ErrorCode::invalid_input, address + " is no IPv4 address");
    const int type = kind == SocketKind::tcp ? SOCK_STREAM : SOCK_DGRAM;
    Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return refused("making a socket");
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(fd.get(), IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
    if (kind == SocketKind::udp) ::setsockopt(fd.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        return refused("listening on " + address + ":" + std::to_string(port));
    return fd;
}

}  // namespace

Result<Fd> bound_socket(const std::string& netns, SocketKind kind, const std::string& address,
                        std::uint16_t port) {
    if (netns.empty()) return make(kind, address, port);
    Fd space(::open(netns.c_str(), O_RDONLY | O_CLOEXEC));
    if (!space) return refused("opening " + netns);
    Result<Fd> made = Fd();
    std::thread([&] {
        if (::setns(space.get(), CLONE_NEWNET) == 0)
            made = make(kind, address, port);
        else
            made = refused("entering " + netns);
    }).join();
    return made;
}

}  // namespace lodge::agent
