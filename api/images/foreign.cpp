#include "api/images/foreign.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/images/content.h"
#include "proto/base/number.h"

namespace lodge::images {
namespace {

using namespace std::string_view_literals;

tl::unexpected<Error> refuse(const std::string& why) {
    return fail(ErrorCode::invalid_input, why);
}

std::uint64_t little_endian(std::string_view bytes) {
    return big_endian(std::string(bytes.rbegin(), bytes.rend()));
}

// "Virtual Disk Format 1.1" of VMware: the header of a sparse extent. One without a capacity is a descriptor
// in disguise, which names its extents' files; QEMU looks for a parent's name in what follows the header.
Status check_vmdk(std::string_view head) {
    constexpr std::size_t capacity_at = 12;
    constexpr std::size_t header_bytes = 79;
    if (!head.starts_with("KDMV"sv) || head.size() < header_bytes)
        return refuse(
            "the VMDK is not one file with all in it (monolithic sparse or stream-optimized); make it one: "
            "qemu-img convert -O vmdk -o subformat=streamOptimized OLD NEW");
    if (big_endian(head.substr(capacity_at, 8)) == 0) return refuse("the VMDK names other files");
    if (head.find("parentFileNameHint"sv) != std::string_view::npos)
        return refuse("the VMDK rests on a parent; merge the two first");
    return {};
}

// "Virtual Hard Disk Image Format Specification" of Microsoft: the footer, which is the file's last sector.
Status check_vpc(std::string_view head, std::string_view tail) {
    constexpr std::size_t type_at = 60;
    constexpr std::uint64_t fixed = 2;
    constexpr std::uint64_t dynamic = 3;
    if (tail.size() < foreign_tail_bytes || !tail.starts_with("conectix"sv))
        return refuse("the file is not a VHD, or cut short: it does not end with a VHD's footer");
    const auto type = big_endian(tail.substr(type_at, 4));
    if (type == dynamic && head.starts_with("conectix"sv)) return {};
    if (type == fixed) return check_declared_format("vpc", head);  // its disk, as it is
    return refuse("the VHD is neither a fixed nor a dynamic one; merge a differencing one with its parent");
}

// VirtualBox's header: QEMU reads zeros where blocks lie beyond the file's end.
Status check_vdi(std::string_view head, std::uint64_t file_size_bytes) {
    constexpr std::size_t header_bytes = 0x188;
    if (head.size() < header_bytes) return refuse("the VDI is cut short");
    const auto data_at = little_endian(head.substr(0x158, 4));
    const auto block_bytes = little_endian(head.substr(0x178, 4));
    const auto blocks = little_endian(head.substr(0x184, 4));
    if (data_at + block_bytes * blocks > file_size_bytes) return refuse("the VDI is cut short");
    return {};
}

constexpr std::array foreign_formats = {"vmdk"sv, "vpc"sv, "vhdx"sv, "vdi"sv};

}  // namespace

bool is_foreign(std::string_view format) {
    return std::find(foreign_formats.begin(), foreign_formats.end(), format) != foreign_formats.end();
}

Status check_foreign(std::string_view format, std::string_view first_bytes, std::string_view last_bytes,
                     std::uint64_t file_size_bytes) {
    if (format == "vpc") return check_vpc(first_bytes, last_bytes);
    if (const auto is = sniff(first_bytes); is != format)
        return refuse(
            fmt::format("the file is {}, not {}", is.empty() ? "of no format that Lodge knows" : is, format));
    if (format == "vmdk") return check_vmdk(first_bytes);
    if (format == "vdi") return check_vdi(first_bytes, file_size_bytes);
    return {};
}

}  // namespace lodge::images
