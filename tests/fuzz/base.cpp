// Text that stands for something: addresses, times, encodings (proto/base), filters' patterns aside. What is
// read and written again is the same.
#include "proto/base/cidr.h"
#include "proto/base/encoding.h"
#include "proto/base/ids.h"
#include "tests/fuzz/fuzz.h"

namespace lodge::fuzz {
namespace {

void check_addresses(std::string_view text) {
    if (auto address = IpAddress::parse(text))
        promise(IpAddress::parse(address->str()) == *address, "an address is written as it is read");
    auto block = Cidr::parse(text);
    if (!block) return;
    promise(Cidr::parse(block->str()) == *block, "a block is written as it is read");
    promise(block->contains(block->network()) && block->contains(*block), "a block contains itself");
    promise(block->size() == 0 || block->contains(block->last()), "a block contains its last address");
}

void check_times(std::string_view text) {
    if (auto time = parse_time(text))
        promise(parse_time(format_time(*time)) == *time, "a time is written as it is read");
    if (auto time = parse_amz_date(text))
        promise(parse_time(format_time(*time)) == *time, "a signature's date is a time");
}

void check_encodings(std::string_view text) {
    promise(base64_decode(base64_encode(text)) == text, "base64 comes back");
    promise(hex_decode(hex_encode(text)) == text, "hexadecimal comes back");
    for (bool plus_is_space : {false, true})
        promise(percent_decode(percent_encode(text), plus_is_space) == text, "percent-encoding comes back");
    if (auto bytes = base64_decode(text))
        promise(bytes->size() <= text.size(), "bytes are fewer than digits");
    if (auto bytes = hex_decode(text)) promise(bytes->size() * 2 == text.size(), "a byte has two digits");
    static_cast<void>(percent_decode(text, true));
}

void check_utf8(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        auto length = utf8_length(text, at);
        if (length == 0) break;
        promise(length <= 4 && length <= text.size() - at, "a character lies in its text");
        static_cast<void>(xml_character(text.substr(at, length)));
        at += length;
    }
    promise(utf8_valid(text) == (at == text.size()), "text is characters to its end");
}

}  // namespace
}  // namespace lodge::fuzz

LODGE_FUZZ_TARGET(text) {
    using namespace lodge;
    using namespace lodge::fuzz;
    check_addresses(text);
    check_times(text);
    check_encodings(text);
    check_utf8(text);
    static_cast<void>(parse_image_id(text));
    if (auto id = InstanceId::parse(text)) promise(id->str() == text, "an ID is its text");
}
