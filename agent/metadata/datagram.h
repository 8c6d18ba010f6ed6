// UDP messages with both of their ends: a socket that is bound to any address answers from the one that was
// asked, or the guest would not take the answer.
#pragma once

#include <netinet/in.h>

#include <optional>
#include <string>
#include <string_view>

namespace lodge::agent {

struct Datagram {
    sockaddr_in from{};
    in_addr to{};
    std::string bytes;
};

// Of a socket of bound_socket(). Nothing when none waits; one that is longer than `most` comes without its
// bytes.
std::optional<Datagram> receive_datagram(int fd, std::size_t most);
// Lost is lost: whoever asked asks again.
void send_back(int fd, const Datagram& asked, std::string_view bytes);

std::string text_of(const sockaddr_in& address);  // "10.0.0.5"

}  // namespace lodge::agent
