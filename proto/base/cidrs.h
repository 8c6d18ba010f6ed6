// Addresses and CIDR blocks as they are written in records. Pure; any thread.
#pragma once

#include <string_view>

#include "proto/base/cidr.h"

namespace lodge {

// Whether the text of an address or a block is of IPv6.
constexpr bool is_ipv6_text(std::string_view address_or_cidr) {
    return address_or_cidr.find(':') != std::string_view::npos;
}

// Whether the address is in the block; none is in what is no block.
bool holds(std::string_view cidr_text, const IpAddress& address);

}  // namespace lodge
