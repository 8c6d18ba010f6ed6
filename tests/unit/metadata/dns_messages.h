// DNS messages for tests.
#pragma once

#include <string>
#include <vector>

namespace lodge::agent::testing {

// A query for the A record of what the labels make, with the ID 0x1234.
inline std::string query(const std::vector<std::string>& labels) {
    std::string out("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
    for (const auto& label : labels) out += static_cast<char>(label.size()) + label;
    return out + std::string("\0\0\1\0\1", 5);
}

// What a resolver answers: 192.0.2.7, after padding that makes the message as long as wanted.
inline std::string answer(const std::string& query, std::size_t padding = 0) {
    auto out = query;
    out[2] = '\x81';
    out[3] = '\x80';
    out[7] = 1;
    out += std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7", 16);
    return out + std::string(padding, 'x');
}

inline std::string framed(const std::string& message) {
    return std::string{static_cast<char>(message.size() >> 8), static_cast<char>(message.size() & 0xff)} +
           message;
}

// SERVFAIL, NXDOMAIN and the like: the reply's code, -1 for none.
inline int code_of(const std::string& reply) {
    return reply.size() < 12 ? -1 : reply[3] & 0x0f;
}

}  // namespace lodge::agent::testing
