#include "agent/metadata/dns_packet.h"

#include <array>
#include <cctype>

namespace lodge::agent {
namespace {

constexpr std::size_t header_bytes = 12;
constexpr std::size_t after_name_bytes = 4;  // type and class
constexpr std::size_t longest_name = 253;

std::uint16_t word_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                      static_cast<unsigned char>(bytes[at + 1]));
}

// Labels one after the other; a question has no reason to point anywhere.
bool read_name(std::string_view bytes, std::size_t& at, std::string& name) {
    for (;;) {
        if (at >= bytes.size()) return false;
        const std::size_t length = static_cast<unsigned char>(bytes[at++]);
        if (length == 0) return true;
        if (length > 63 || at + length > bytes.size() || name.size() + length + 1 > longest_name + 1)
            return false;
        if (!name.empty()) name += '.';
        for (char c : bytes.substr(at, length))
            name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        at += length;
    }
}

bool is_below(std::string_view name, std::string_view domain) {
    return name == domain || (name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

}  // namespace

std::optional<DnsQuestion> parse_query(std::string_view message) {
    if (message.size() < header_bytes) return std::nullopt;
    const auto flags = word_at(message, 2);
    const bool is_query = (flags & 0xf800) == 0;  // neither a response nor another operation
    if (!is_query || word_at(message, 4) != 1) return std::nullopt;
    DnsQuestion out;
    out.id = word_at(message, 0);
    out.size = header_bytes;
    if (!read_name(message, out.size, out.name) || out.size + after_name_bytes > message.size())
        return std::nullopt;
    out.size += after_name_bytes;
    return out;
}

std::string refuse_query(std::string_view query, const DnsQuestion& question, DnsFailure why) {
    std::string out(query.substr(0, question.size));
    const char recursion_desired = static_cast<char>(out[2] & 0x01);
    out[2] = static_cast<char>(0x80 | recursion_desired);
    out[3] = static_cast<char>(0x80 | static_cast<std::uint8_t>(why));
    for (std::size_t at = 6; at < header_bytes; ++at) out[at] = 0;
    return out;
}

std::optional<std::uint16_t> message_id(std::string_view message) {
    if (message.size() < header_bytes) return std::nullopt;
    return word_at(message, 0);
}

void set_message_id(std::string& message, std::uint16_t id) {
    message[0] = static_cast<char>(id >> 8);
    message[1] = static_cast<char>(id & 0xff);
}

bool is_private_name(std::string_view name) {
    if (is_below(name, "ec2.internal") || is_below(name, "compute.internal")) return true;
    if (!name.ends_with(".in-addr.arpa")) return false;
    for (std::string_view net : {"10.in-addr.arpa", "168.192.in-addr.arpa", "254.169.in-addr.arpa"})
        if (is_below(name, net)) return true;
    for (int second = 16; second < 32; ++second)
        if (is_below(name, std::to_string(second) + ".172.in-addr.arpa")) return true;
    return false;
}

}  // namespace lodge::agent
