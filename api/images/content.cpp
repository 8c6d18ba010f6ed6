#include "api/images/content.h"

#include <fmt/format.h>

#include <array>

namespace lodge::images {
namespace {

using namespace std::string_view_literals;

struct Magic {
    std::size_t at;
    std::string_view bytes;
    std::string_view format;
    bool disk;  // a disk image that qemu-img converts; else a wrapping to take off first
};

constexpr std::array magics = {
    Magic{0, "QFI\xfb\0\0\0\x01"sv, "qcow (version 1)", true},
    Magic{0, "QFI\xfb"sv, "qcow2", true},
    Magic{0, "QED\0"sv, "qed", true},
    Magic{0, "KDMV"sv, "vmdk", true},
    Magic{0, "COWD"sv, "vmdk", true},
    Magic{0, "# Disk DescriptorFile"sv, "vmdk", true},
    Magic{0, "vhdxfile"sv, "vhdx", true},
    Magic{0, "conectix"sv, "vpc", true},
    Magic{0x40, "\x7f\x10\xda\xbe"sv, "vdi", true},
    Magic{0, "\x1f\x8b"sv, "gzip", false},
    Magic{0,
          "\xfd"
          "7zXZ\0"sv,
          "xz", false},
    Magic{0, "\x28\xb5\x2f\xfd"sv, "zstd", false},
    Magic{0, "BZh"sv, "bzip2", false},
    Magic{0, "\x04\x22\x4d\x18"sv, "lz4", false},
    Magic{0, "\x02\x21\x4c\x18"sv, "lz4", false},
    Magic{0, "\x5d\0\0\x80\0"sv, "lzma", false},
    Magic{0, "PK\x03\x04"sv, "zip", false},
    Magic{0, "7z\xbc\xaf\x27\x1c"sv, "7z", false},
    Magic{0x101, "ustar"sv, "tar", false},
    Magic{0, "<!DOCTYPE"sv, "html", false},
    Magic{0, "<html"sv, "html", false},
};

constexpr std::int64_t least_kernel_bytes = 64 << 10;
constexpr std::int64_t most_kernel_bytes = 512 << 20;
constexpr std::int64_t most_ramdisk_bytes = std::int64_t{2} << 30;

bool has(std::string_view bytes, std::size_t at, std::string_view magic) {
    return bytes.size() >= at && bytes.substr(at).starts_with(magic);
}

const Magic* find_magic(std::string_view bytes) {
    for (const auto& magic : magics)
        if (has(bytes, magic.at, magic.bytes)) return &magic;
    return nullptr;
}

// Documentation/x86/boot.rst of Linux: the boot sector's mark and the setup header's signature.
bool is_bzimage(std::string_view bytes) {
    return has(bytes, 0x1fe, "\x55\xaa"sv) && has(bytes, 0x202, "HdrS"sv);
}

bool is_arm64_kernel(std::string_view bytes) {
    return has(bytes, 0x38, "ARM\x64"sv) || has(bytes, 0, "\x1f\x8b"sv);
}

}  // namespace

std::string_view sniff(std::string_view first_bytes) {
    const auto* magic = find_magic(first_bytes);
    return magic ? magic->format : ""sv;
}

Status check_declared_format(std::string_view declared, std::string_view first_bytes) {
    const auto* magic = find_magic(first_bytes);
    if (declared == "qcow2" && !magic)
        return fail(ErrorCode::invalid_input, "the file is not qcow2; is it raw? then say --format raw");
    if (!magic || magic->format == declared) return {};
    auto is = fmt::format("the file is {}, not {}", magic->format, declared);
    if (magic->format == "html")
        is += ": a web page; give the address of the image itself";
    else if (!magic->disk)
        is += "; unpack it first";
    else if (magic->format == "qcow2")
        is += "; say --format qcow2";
    else
        is += "; convert it first: qemu-img convert -O qcow2 OLD NEW";
    return fail(ErrorCode::invalid_input, is);
}

Status check_kernel(std::string_view architecture, std::string_view first_bytes, std::int64_t size_bytes) {
    if (size_bytes < least_kernel_bytes || size_bytes > most_kernel_bytes)
        return fail(ErrorCode::invalid_input, fmt::format("the kernel has {} bytes; expected {} to {}",
                                                          size_bytes, least_kernel_bytes, most_kernel_bytes));
    if (architecture == "arm64" && !is_arm64_kernel(first_bytes))
        return fail(ErrorCode::invalid_input, "the kernel is neither an arm64 Image nor a gzip of one");
    if (architecture != "arm64" && !is_bzimage(first_bytes))
        return fail(ErrorCode::invalid_input,
                    "the kernel is not a bzImage (what distributions install as /boot/vmlinuz-…)");
    return {};
}

Status check_ramdisk(std::string_view first_bytes, std::int64_t size_bytes) {
    if (size_bytes < 1 || size_bytes > most_ramdisk_bytes)
        return fail(ErrorCode::invalid_input, fmt::format("the ramdisk has {} bytes; expected 1 to {}",
                                                          size_bytes, most_ramdisk_bytes));
    if (is_bzimage(first_bytes)) return fail(ErrorCode::invalid_input, "the ramdisk is a kernel");
    const auto* magic = find_magic(first_bytes);
    if (magic && magic->disk)
        return fail(ErrorCode::invalid_input, fmt::format("the ramdisk is a disk image ({})", magic->format));
    return {};
}

}  // namespace lodge::images
