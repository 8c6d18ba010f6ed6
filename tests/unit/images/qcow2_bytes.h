// qcow2 headers made by hand for tests.
#pragma once

#include <cstdint>
#include <string>

namespace lodge::images {

// A file of four clusters whose header is right; tests break one field after the other.
class Qcow2Bytes {
  public:
    explicit Qcow2Bytes(std::uint32_t version = 3) : bytes_(4 * 65536, '\0') {
        u32(0, 0x514649fb).u32(4, version).u32(20, 16).u64(24, 64 << 20).u32(36, 1);
        u64(40, 3 * 65536).u64(48, 65536).u32(56, 1);
        if (version == 3) u32(96, 4).u32(100, 104);
    }

    Qcow2Bytes& u32(std::size_t at, std::uint32_t value) { return number(at, value, 4); }
    Qcow2Bytes& u64(std::size_t at, std::uint64_t value) { return number(at, value, 8); }
    // A header extension; the next one goes to the returned place.
    std::size_t extension(std::size_t at, std::uint32_t type, const std::string& data) {
        u32(at, type).u32(at + 4, static_cast<std::uint32_t>(data.size()));
        bytes_.replace(at + 8, data.size(), data);
        return at + 8 + (data.size() + 7) / 8 * 8;
    }
    const std::string& bytes() const { return bytes_; }

  private:
    Qcow2Bytes& number(std::size_t at, std::uint64_t value, std::size_t size) {
        for (std::size_t i = size; i-- > 0; value >>= 8) bytes_.at(at + i) = static_cast<char>(value & 0xff);
        return *this;
    }
    std::string bytes_;
};

}  // namespace lodge::images
