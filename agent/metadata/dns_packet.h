// As much of DNS messages as a relay has to read. Source: RFC 1035, section 4. Pure; any bytes are fine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lodge::agent {

struct DnsQuestion {
    std::string name;      // lower case, without the last dot
    std::size_t size = 0;  // of header and question together, in bytes
};

// Of a query with one question; nothing for anything else.
std::optional<DnsQuestion> parse_query(std::string_view message);
// Whether the message answers that query: its ID and its question, which one that says no may leave out.
bool is_reply_to(std::string_view message, std::string_view query, const DnsQuestion& question);

enum class DnsFailure : std::uint8_t { server_failure = 2, no_such_name = 3 };
// The answer that there is none.
std::string refuse_query(std::string_view query, const DnsQuestion& question, DnsFailure why);

// `to` and `from` have their two bytes of ID at least.
void set_message_id(std::string& to, std::uint16_t id);
void copy_message_id(std::string& to, std::string_view from);

// Whether the name can only mean something inside a VPC, where OVN would have known it: EC2's internal
// domains, and addresses of private networks read backwards.
bool is_private_name(std::string_view name);

}  // namespace lodge::agent
