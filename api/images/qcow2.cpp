#include "api/images/qcow2.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/base/number.h"

namespace lodge::images {
namespace {

// docs/interop/qcow2.txt of QEMU; the limits are those that QEMU itself keeps.
constexpr std::uint32_t magic = 0x514649fb;
constexpr std::size_t v2_header_bytes = 72;
constexpr std::size_t v3_least_header_bytes = 104;
constexpr std::uint32_t least_cluster_bits = 9;
constexpr std::uint32_t most_cluster_bits = 21;
constexpr std::uint64_t most_l1_bytes = 32U << 20;
constexpr std::uint64_t most_refcount_table_bytes = 8U << 20;
constexpr std::uint32_t most_refcount_order = 6;
constexpr std::uint32_t most_snapshots = 65536;
constexpr std::uint32_t most_backing_name_bytes = 1023;

enum Incompatible : std::uint64_t {
    dirty_bit = 1U << 0,
    corrupt_bit = 1U << 1,
    data_file_bit = 1U << 2,
    compression_bit = 1U << 3,
    extended_l2_bit = 1U << 4,
    known_bits = dirty_bit | corrupt_bit | data_file_bit | compression_bit | extended_l2_bit,
};

enum Extension : std::uint32_t {
    end_of_extensions = 0,
    data_file_name = 0x44415441,
};

// Big-endian numbers at fixed places; the caller has checked that they lie inside.
class Fields {
  public:
    explicit Fields(std::string_view bytes) : bytes_(bytes) {}
    std::uint32_t u32(std::size_t at) const {
        return static_cast<std::uint32_t>(big_endian(bytes_.substr(at, 4)));
    }
    std::uint64_t u64(std::size_t at) const { return big_endian(bytes_.substr(at, 8)); }
    std::uint8_t u8(std::size_t at) const { return static_cast<std::uint8_t>(bytes_[at]); }

  private:
    std::string_view bytes_;
};

template <class... Args>
tl::unexpected<Error> odd(fmt::format_string<Args...> text, Args&&... args) {
    return fail(ErrorCode::invalid_input,
                "the qcow2 header is damaged: " + fmt::format(text, std::forward<Args>(args)...));
}

std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) {
    return value / by + (value % by != 0 ? 1 : 0);
}

Status check_tables(const Qcow2Header& header, bool extended_l2) {
    std::uint64_t cluster = std::uint64_t{1} << header.cluster_bits;
    std::uint64_t covered_by_l1_entry = cluster / (extended_l2 ? 16 : 8) * cluster;
    if (header.l1_entries > most_l1_bytes / 8) return odd("{} entries in the L1 table", header.l1_entries);
    if (header.l1_entries < divide_up(header.virtual_size_bytes, covered_by_l1_entry))
        return odd("its L1 table is too small for a disk of {} bytes", header.virtual_size_bytes);
    if (header.l1_table_offset % cluster != 0 || (header.l1_entries > 0 && header.l1_table_offset == 0))
        return odd("the L1 table lies at {}", header.l1_table_offset);
    if (header.refcount_table_offset % cluster != 0 || header.refcount_table_offset == 0)
        return odd("the refcount table lies at {}", header.refcount_table_offset);
    if (header.refcount_table_clusters == 0 ||
        header.refcount_table_clusters > most_refcount_table_bytes / cluster)
        return odd("{} clusters in the refcount table", header.refcount_table_clusters);
    return {};
}

// The fields that came with version 3.
Status read_v3_fields(std::string_view bytes, Qcow2Header& header, bool& extended_l2) {
    if (bytes.size() < v3_least_header_bytes) return odd("the file ends inside it");
    Fields fields(bytes);
    std::uint64_t features = fields.u64(72);
    header.header_length_bytes = fields.u32(100);
    std::uint32_t length = header.header_length_bytes;
    if (length < v3_least_header_bytes || length % 8 != 0 || length > bytes.size() ||
        length > std::uint64_t{1} << header.cluster_bits)
        return odd("its length is given as {}", length);
    if (features & ~std::uint64_t{known_bits}) return odd("unknown features {:#x}", features);
    if (fields.u32(96) > most_refcount_order) return odd("refcounts of 2^{} bits", fields.u32(96));
    std::uint8_t compression = length > v3_least_header_bytes ? fields.u8(104) : 0;
    if (compression > 1 || (compression != 0) != ((features & compression_bit) != 0))
        return odd("compression method {}", compression);
    header.dirty = features & dirty_bit;
    header.corrupt = features & corrupt_bit;
    header.names_data_file = features & data_file_bit;
    extended_l2 = features & extended_l2_bit;
    return {};
}

// The extensions follow the header: type, length, data padded to 8 bytes, up to the type 0 or to `room_end`.
Status walk_extensions(std::string_view bytes, std::uint64_t room_end, Qcow2Header& header) {
    Fields fields(bytes);
    std::size_t end = std::min<std::uint64_t>(room_end, bytes.size());
    for (std::size_t at = header.header_length_bytes; at + 8 <= end;) {
        std::uint32_t type = fields.u32(at);
        std::uint64_t length = fields.u32(at + 4);
        if (type == end_of_extensions) return {};
        if (length > end - at - 8) return odd("an extension of {} bytes", length);
        if (type == data_file_name) header.names_data_file = true;
        at += 8 + (length + 7) / 8 * 8;
    }
    if (end < room_end) return odd("its extensions reach over {} bytes", end);
    return {};
}

Status read_backing_and_extensions(std::string_view bytes, Qcow2Header& header) {
    Fields fields(bytes);
    std::uint64_t offset = fields.u64(8);
    std::uint32_t length = fields.u32(16);
    std::uint64_t cluster = std::uint64_t{1} << header.cluster_bits;
    header.names_backing_file = offset != 0;
    if (length > most_backing_name_bytes) return odd("a backing file's name of {} bytes", length);
    if (offset != 0 && (offset < header.header_length_bytes || offset > cluster || length > cluster - offset))
        return odd("the backing file's name lies at {}", offset);
    return walk_extensions(bytes, offset != 0 ? offset : cluster, header);
}

}  // namespace

Result<Qcow2Header> read_qcow2_header(std::string_view first_bytes) {
    std::string_view bytes = first_bytes.substr(0, qcow2_head_bytes);
    Fields fields(bytes);
    if (bytes.size() < 4 || fields.u32(0) != magic)
        return fail(ErrorCode::invalid_input, "the file is not a qcow2 image: it lacks the magic number");
    if (bytes.size() < v2_header_bytes) return odd("the file ends inside it");
    Qcow2Header header;
    header.version = fields.u32(4);
    if (header.version != 2 && header.version != 3)
        return fail(ErrorCode::invalid_input,
                    fmt::format("the file is qcow2 of version {}; Lodge takes 2 and 3", header.version));
    header.cluster_bits = fields.u32(20);
    if (header.cluster_bits < least_cluster_bits || header.cluster_bits > most_cluster_bits)
        return odd("clusters of 2^{} bytes", header.cluster_bits);
    header.virtual_size_bytes = fields.u64(24);
    header.crypt_method = fields.u32(32);
    header.l1_entries = fields.u32(36);
    header.l1_table_offset = fields.u64(40);
    header.refcount_table_offset = fields.u64(48);
    header.refcount_table_clusters = fields.u32(56);
    if (fields.u32(60) > most_snapshots) return odd("{} snapshots", fields.u32(60));
    header.header_length_bytes = v2_header_bytes;
    bool extended_l2 = false;
    if (header.version == 3) LODGE_CHECK(read_v3_fields(bytes, header, extended_l2));
    LODGE_CHECK(check_tables(header, extended_l2));
    LODGE_CHECK(read_backing_and_extensions(bytes, header));
    return header;
}

Status check_qcow2_importable(const Qcow2Header& header, std::uint64_t file_size_bytes,
                              std::uint64_t max_virtual_size_bytes) {
    auto refuse = [](const std::string& why) { return fail(ErrorCode::invalid_input, why); };
    if (header.names_backing_file)
        return refuse(
            "the image rests on a backing file; merge the two first: qemu-img convert -O qcow2 OLD NEW");
    if (header.names_data_file)
        return refuse(
            "the image keeps its data in another file; make it one first: qemu-img convert -O qcow2 OLD NEW");
    if (header.crypt_method != 0)
        return refuse("the image is encrypted; decrypt it with qemu-img convert before importing it");
    if (header.corrupt)
        return refuse("the image is marked as corrupt; mend it first: qemu-img check -r all FILE");
    if (header.dirty)
        return refuse(
            "the image was not closed by its writer (is it in use?); once nothing uses it: "
            "qemu-img check -r all FILE");
    if (header.virtual_size_bytes == 0) return refuse("the image's disk has a size of 0");
    if (header.virtual_size_bytes > max_virtual_size_bytes)
        return refuse(fmt::format("the image's disk has {} bytes, over the limit of {}",
                                  header.virtual_size_bytes, max_virtual_size_bytes));
    auto beyond = [&](std::uint64_t offset, std::uint64_t length) {
        return offset > file_size_bytes || length > file_size_bytes - offset;
    };
    if (beyond(header.l1_table_offset, std::uint64_t{header.l1_entries} * 8) ||
        beyond(header.refcount_table_offset, 8))
        return refuse("the image is cut short: its tables lie beyond the end of the file");
    return {};
}

}  // namespace lodge::images
