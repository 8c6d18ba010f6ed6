// SSH's binary encoding: numbers, strings and big integers (RFC 4251, section 5). Internal to api/keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lodge::keys {

void put_u32(std::string& out, std::uint32_t value);
void put_string(std::string& out, std::string_view bytes);
// `magnitude` is big-endian, not negative; zeros in front of it are dropped.
void put_mpint(std::string& out, std::string_view magnitude);

// Takes a blob apart from the front. What does not fit gives nothing, and leaves the reader where it was.
class WireReader {
  public:
    explicit WireReader(std::string_view bytes) : rest_(bytes) {}
    std::optional<std::string_view> string();
    // Big-endian, without zeros in front. Nothing for a negative number.
    std::optional<std::string_view> mpint();
    bool at_end() const { return rest_.empty(); }

  private:
    std::string_view rest_;
};

}  // namespace lodge::keys
