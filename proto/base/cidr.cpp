#include "proto/base/cidr.h"

#include <arpa/inet.h>

#include <array>

#include "proto/base/number.h"

namespace lodge {
namespace {

AddressBits all_ones(int width) {
    return width >= 128 ? ~AddressBits{0} : (AddressBits{1} << width) - 1;
}

AddressBits mask(int width, int prefix) {
    return all_ones(width) & ~all_ones(width - prefix);
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    std::array<unsigned char, 16> bytes{};
    std::string copy(text);
    if (copy.find(char{}) != std::string::npos) return std::nullopt;
    bool is_ipv6 = text.find(':') != std::string_view::npos;
    if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, copy.c_str(), bytes.data()) != 1) return std::nullopt;
    AddressBits bits = 0;
    for (std::size_t i = 0; i < (is_ipv6 ? 16U : 4U); ++i) bits = (bits << 8) | bytes[i];
    return IpAddress(is_ipv6, bits);
}

std::string IpAddress::str() const {
    std::array<unsigned char, 16> bytes{};
    int count = width() / 8;
    for (int i = 0; i < count; ++i)
        bytes[static_cast<std::size_t>(i)] = static_cast<unsigned char>(bits_ >> (8 * (count - 1 - i)));
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(is_ipv6_ ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
    return text.data();
}

IpAddress IpAddress::plus(AddressBits offset) const {
    return {is_ipv6_, (bits_ + offset) & all_ones(width())};
}

std::optional<Cidr> Cidr::around(const IpAddress& address, int prefix) {
    if (prefix < 0 || prefix > address.width()) return std::nullopt;
    return Cidr({address.is_ipv6(), address.bits() & mask(address.width(), prefix)}, prefix);
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
    auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    auto address = IpAddress::parse(text.substr(0, slash));
    const auto prefix = parse_number<int>(text.substr(slash + 1));
    return address && prefix ? around(*address, *prefix) : std::nullopt;
}

std::string Cidr::str() const {
    return network_.str() + "/" + std::to_string(prefix_);
}

AddressBits Cidr::size() const {
    int host_bits = network_.width() - prefix_;
    return host_bits >= 128 ? ~AddressBits{0} : AddressBits{1} << host_bits;
}

bool Cidr::contains(const IpAddress& address) const {
    return address.is_ipv6() == is_ipv6() &&
           (address.bits() & mask(address.width(), prefix_)) == network_.bits();
}

}  // namespace lodge
