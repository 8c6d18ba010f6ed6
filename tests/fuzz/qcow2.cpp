// The beginning of a foreign file, judged before any program of QEMU opens it: api/images.
#include "api/images/qcow2.h"
#include <algorithm>

#include "api/images/content.h"
#include "api/images/foreign.h"
#include "tests/fuzz/fuzz.h"

namespace lodge::fuzz {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{16} << 40;

void check_importable(const images::Qcow2Header& header, std::uint64_t file_bytes) {
    promise(!header.names_backing_file && !header.names_data_file && header.crypt_method == 0,
            "an image rests on nothing else");
    promise(!header.corrupt && !header.dirty, "an image is whole");
    promise(header.virtual_size_bytes > 0 && header.virtual_size_bytes <= most_bytes, "a disk has a size");
    const std::uint64_t cluster = std::uint64_t{1} << header.cluster_bits;
    promise(header.l1_table_offset % cluster == 0 && header.refcount_table_offset % cluster == 0,
            "tables lie at clusters");
    promise(header.l1_table_offset + std::uint64_t{header.l1_entries} * 8 <= file_bytes,
            "tables lie inside of the file");
    promise(
        header.l1_entries >= 1 && header.l1_entries * (cluster / 8) * cluster >= header.virtual_size_bytes,
        "the table reaches over the disk");
}

}  // namespace
}  // namespace lodge::fuzz

LODGE_FUZZ_TARGET(text) {
    using namespace lodge::images;
    using namespace lodge::fuzz;
    const auto name = sniff(text);
    promise(name != "qcow2" || !check_declared_format("raw", text), "a qcow2 image is not taken for raw");
    for (const char* architecture : {"x86_64", "i386", "arm64"})
        for (std::int64_t size : {std::int64_t{0}, static_cast<std::int64_t>(text.size()), INT64_MAX})
            static_cast<void>(check_kernel(architecture, text, size));
    static_cast<void>(check_ramdisk(text, static_cast<std::int64_t>(text.size())));
    const auto tail = text.substr(text.size() - std::min(text.size(), foreign_tail_bytes));
    for (const char* format : {"vmdk", "vpc", "vhdx", "vdi"})
        promise(!check_foreign(format, text, tail, text.size()) || name == format || name.empty(),
                "a foreign image is of the format that was declared");
    auto header = read_qcow2_header(text);
    if (!header) return;
    promise(check_declared_format("qcow2", text).has_value(), "a header that is read was declared rightly");
    for (std::uint64_t file_bytes : {std::uint64_t{text.size()}, std::uint64_t{1} << 32, UINT64_MAX})
        if (check_qcow2_importable(*header, file_bytes, most_bytes)) check_importable(*header, file_bytes);
}
