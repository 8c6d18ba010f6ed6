// IP addresses and CIDR blocks of both families, as numbers. Pure; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lodge {

__extension__ typedef unsigned __int128 AddressBits;

// Text is canonical: RFC 5952 for IPv6, no leading zeros for IPv4.
class IpAddress {
  public:
    IpAddress() = default;
    IpAddress(bool is_ipv6, AddressBits bits) : bits_(bits), is_ipv6_(is_ipv6) {}

    static std::optional<IpAddress> parse(std::string_view text);
    std::string str() const;

    bool is_ipv6() const { return is_ipv6_; }
    AddressBits bits() const { return bits_; }
    int width() const { return is_ipv6_ ? 128 : 32; }
    // The address `offset` behind this one; wraps at the end of the family.
    IpAddress plus(AddressBits offset) const;

    auto operator<=>(const IpAddress&) const = default;

  private:
    AddressBits bits_ = 0;
    bool is_ipv6_ = false;
};

// A block of addresses. The bits behind the prefix are zero.
class Cidr {
  public:
    Cidr() = default;

    // "10.0.0.1/16" is 10.0.0.0/16, as EC2 reads it; a bare address is no CIDR.
    static std::optional<Cidr> parse(std::string_view text);
    // The block of that prefix around `address`; nothing if the family has no such prefix.
    static std::optional<Cidr> around(const IpAddress& address, int prefix);
    std::string str() const;

    const IpAddress& network() const { return network_; }
    bool is_ipv6() const { return network_.is_ipv6(); }
    int prefix() const { return prefix_; }
    // How many addresses; of ::/0 one too few, which nobody counts.
    AddressBits size() const;
    IpAddress last() const { return network_.plus(size() - 1); }
    bool contains(const IpAddress& address) const;
    bool contains(const Cidr& other) const { return other.prefix_ >= prefix_ && contains(other.network_); }
    bool overlaps(const Cidr& other) const { return contains(other) || other.contains(*this); }

    auto operator<=>(const Cidr&) const = default;

  private:
    Cidr(IpAddress network, int prefix) : network_(network), prefix_(prefix) {}
    IpAddress network_;
    int prefix_ = 0;
};

}  // namespace lodge
