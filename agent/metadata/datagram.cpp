#include "agent/metadata/datagram.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace lodge::agent {
namespace {

// A message of one part, with room for the address of ours that it goes to or comes from.
struct Envelope {
    Envelope(const sockaddr_in& other, const char* bytes, std::size_t size)
        : peer(other), part{const_cast<char*>(bytes), size} {
        message.msg_name = &peer;
        message.msg_namelen = sizeof peer;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
    }
    Envelope(const Envelope&) = delete;
    Envelope& operator=(const Envelope&) = delete;

    sockaddr_in peer;
    iovec part;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    msghdr message{};
};

}  // namespace

std::optional<Datagram> receive_datagram(int fd, std::size_t most) {
    Datagram out;
    out.bytes.resize(most);
    Envelope envelope({}, out.bytes.data(), out.bytes.size());
    auto size = ::recvmsg(fd, &envelope.message, 0);
    if (size < 0) return std::nullopt;
    const bool whole = (envelope.message.msg_flags & MSG_TRUNC) == 0;
    out.bytes = out.bytes.substr(0, whole ? static_cast<std::size_t>(size) : 0);  // and no room beyond it
    out.from = envelope.peer;
    for (auto* each = CMSG_FIRSTHDR(&envelope.message); each; each = CMSG_NXTHDR(&envelope.message, each)) {
        if (each->cmsg_level != IPPROTO_IP || each->cmsg_type != IP_PKTINFO) continue;
        in_pktinfo info{};
        std::memcpy(&info, CMSG_DATA(each), sizeof info);
        out.to = info.ipi_addr;
    }
    return out;
}

void send_back(int fd, const Datagram& asked, std::string_view bytes) {
    Envelope envelope(asked.from, bytes.data(), bytes.size());
    auto* header = CMSG_FIRSTHDR(&envelope.message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    info.ipi_spec_dst = asked.to;
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
    ::sendmsg(fd, &envelope.message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::string text_of(const sockaddr_in& address) {
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    return text.data();
}

}  // namespace lodge::agent
