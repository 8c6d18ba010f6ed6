#include "api/keys/ssh_wire.h"

namespace lodge::keys {
namespace {

unsigned char byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

std::string_view without_zeros(std::string_view magnitude) {
    while (!magnitude.empty() && magnitude.front() == '\0') magnitude.remove_prefix(1);
    return magnitude;
}

}  // namespace

void put_u32(std::string& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void put_string(std::string& out, std::string_view bytes) {
    put_u32(out, static_cast<std::uint32_t>(bytes.size()));
    out += bytes;
}

void put_mpint(std::string& out, std::string_view magnitude) {
    magnitude = without_zeros(magnitude);
    bool looks_negative = !magnitude.empty() && (byte_at(magnitude, 0) & 0x80) != 0;
    put_u32(out, static_cast<std::uint32_t>(magnitude.size() + (looks_negative ? 1 : 0)));
    if (looks_negative) out += '\0';
    out += magnitude;
}

std::optional<std::string_view> WireReader::string() {
    if (rest_.size() < 4) return std::nullopt;
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) size = size << 8 | byte_at(rest_, i);
    if (size > rest_.size() - 4) return std::nullopt;
    auto bytes = rest_.substr(4, size);
    rest_.remove_prefix(4 + size);
    return bytes;
}

std::optional<std::string_view> WireReader::mpint() {
    WireReader ahead = *this;
    auto bytes = ahead.string();
    if (!bytes || (!bytes->empty() && (byte_at(*bytes, 0) & 0x80) != 0)) return std::nullopt;
    *this = ahead;
    return without_zeros(*bytes);
}

}  // namespace lodge::keys
