#include "agent/metadata/dns_packet.h"

#include <algorithm>
#include <array>

#include "proto/base/letters.h"

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
        if (length > 63 || at + length > bytes.size()) return false;
        if (!name.empty()) name += '.';
        if (name.size() + length > longest_name) return false;
        for (char c : bytes.substr(at, length)) name += to_lower(c);
        at += length;
    }
}

bool is_below(std::string_view name, std::string_view domain) {
    return name == domain || (name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

// Whether it is the name of an address in one of the networks N.octet, for N from `from` to `to`.
bool is_reverse_of(std::string_view name, std::string_view octet, int from, int to) {
    for (int second = from; second <= to; ++second)
        if (is_below(name, std::to_string(second) + "." + std::string(octet) + ".in-addr.arpa")) return true;
    return false;
}

}  // namespace

std::optional<DnsQuestion> parse_query(std::string_view message) {
    if (message.size() < header_bytes) return std::nullopt;
    const bool is_query = (word_at(message, 2) & 0xf800) == 0;  // neither a response nor another operation
    if (!is_query || word_at(message, 4) != 1) return std::nullopt;
    DnsQuestion out;
    out.size = header_bytes;
    if (!read_name(message, out.size, out.name) || out.size + after_name_bytes > message.size())
        return std::nullopt;
    out.size += after_name_bytes;
    return out;
}

bool is_reply_to(std::string_view message, std::string_view query, const DnsQuestion& question) {
    if (message.size() < header_bytes || word_at(message, 0) != word_at(query, 0)) return false;
    const auto flags = word_at(message, 2);
    if ((flags & 0x8000) == 0) return false;
    if (word_at(message, 4) == 0) return (flags & 0x000f) != 0;
    if (word_at(message, 4) != 1 || message.size() < question.size) return false;
    const auto name_bytes = question.size - header_bytes - after_name_bytes;
    const auto after = question.size - after_name_bytes;
    return equal_but_for_case(message.substr(header_bytes, name_bytes),
                              query.substr(header_bytes, name_bytes)) &&
           message.substr(after, after_name_bytes) == query.substr(after, after_name_bytes);
}

std::string refuse_query(std::string_view query, const DnsQuestion& question, DnsFailure why) {
    std::string out(query.substr(0, question.size));
    const char recursion_desired = static_cast<char>(out[2] & 0x01);
    out[2] = static_cast<char>(0x80 | recursion_desired);
    out[3] = static_cast<char>(0x80 | static_cast<std::uint8_t>(why));
    for (std::size_t at = 6; at < header_bytes; ++at) out[at] = 0;
    return out;
}

void set_message_id(std::string& to, std::uint16_t id) {
    to[0] = static_cast<char>(id >> 8);
    to[1] = static_cast<char>(id & 0xff);
}

void copy_message_id(std::string& to, std::string_view from) {
    to[0] = from[0];
    to[1] = from[1];
}

bool is_private_name(std::string_view name) {
    constexpr std::array<std::string_view, 11> domains = {
        "ec2.internal",         "compute.internal", "10.in-addr.arpa", "168.192.in-addr.arpa",
        "254.169.in-addr.arpa", "c.f.ip6.arpa",     "d.f.ip6.arpa",    "8.e.f.ip6.arpa",
        "9.e.f.ip6.arpa",       "a.e.f.ip6.arpa",   "b.e.f.ip6.arpa"};
    return std::any_of(domains.begin(), domains.end(),
                       [&](std::string_view domain) { return is_below(name, domain); }) ||
           is_reverse_of(name, "172", 16, 31) || is_reverse_of(name, "100", 64, 127);
}

}  // namespace lodge::agent
