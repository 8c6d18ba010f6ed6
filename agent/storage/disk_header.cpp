#include "agent/storage/disk_header.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <string_view>

#include "agent/storage/files.h"
#include "proto/base/number.h"

namespace lodge::agent {
namespace {

// QEMU's docs/interop/qcow2: magic, version, offset and length of the backing file's name, cluster bits,
// virtual size, way of encryption.
constexpr std::size_t header_size = 36;
constexpr std::string_view magic = "QFI\xfb";
constexpr std::size_t backing_offset_at = 8;
constexpr std::size_t backing_size_at = 16;
constexpr std::size_t virtual_size_at = 24;
constexpr std::size_t encryption_at = 32;
constexpr std::uint64_t longest_name = 1023;

Result<DiskHeader> read_qcow2(const Fd& file, const std::filesystem::path& path) {
    LODGE_TRY(const std::string bytes, read_at(file, path, 0, header_size));
    if (bytes.size() < header_size || !bytes.starts_with(magic))
        return fail(ErrorCode::invalid_input, path.string() + " is not a qcow2 image");
    DiskHeader header;
    const std::string_view fields = bytes;
    header.virtual_size_bytes = static_cast<std::int64_t>(big_endian(fields.substr(virtual_size_at, 8)));
    header.encrypted = big_endian(fields.substr(encryption_at, 4)) != 0;
    const std::uint64_t name_at = big_endian(fields.substr(backing_offset_at, 8));
    const std::uint64_t name_size = big_endian(fields.substr(backing_size_at, 4));
    if (name_at == 0) return header;
    if (name_size > longest_name)
        return fail(ErrorCode::invalid_input, path.string() + " has a damaged header");
    LODGE_TRY(header.backing_file, read_at(file, path, static_cast<std::int64_t>(name_at), name_size));
    return header;
}

}  // namespace

Result<DiskHeader> read_disk_header(const std::filesystem::path& path, const std::string& format) {
    const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0) return tl::unexpected(file_error("opening", path));
    if (format == "raw") return DiskHeader{info.st_size, {}};
    if (format == "qcow2") return read_qcow2(file, path);
    return fail(ErrorCode::invalid_input, "a disk's format must be qcow2 or raw, not '" + format + "'");
}

}  // namespace lodge::agent
