#include "proto/base/cidrs.h"

namespace lodge {

bool holds(std::string_view cidr_text, const IpAddress& address) {
    auto cidr = Cidr::parse(cidr_text);
    return cidr && cidr->contains(address);
}

}  // namespace lodge
