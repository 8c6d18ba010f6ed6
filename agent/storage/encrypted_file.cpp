#include "agent/storage/encrypted_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "agent/storage/files.h"
#include "agent/storage/process.h"

namespace lodge::agent {
namespace {

constexpr std::int64_t cryptsetup_timeout_ms = 30'000;
constexpr std::int64_t luks_header_bytes = 2 << 20;  // with all eight key slots, as cryptsetup aligns it
constexpr std::int64_t least_luks_bytes = 3 << 20;   // a device that is nothing but header is refused
constexpr std::size_t used_luks_bytes = 4096 + 4000 * 64;  // up to the end of the first key slot

constexpr std::int64_t cluster_bits = 16;
constexpr std::int64_t cluster = 1 << cluster_bits;
constexpr std::int64_t guest_bytes_per_l1_entry = cluster / 8 * cluster;
constexpr std::int64_t l1_at = 3 * cluster;  // after the header, the refcount table, and its one block

std::int64_t divide_up(std::int64_t value, std::int64_t by) {
    return (value + by - 1) / by;
}

void put(std::string& out, std::uint64_t value, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
        out.push_back(static_cast<char>(value >> shift & 0xff));
}

// QEMU's docs/interop/qcow2, version 3. What is in it: the header, a refcount table, one block of refcounts,
// an empty L1 table, the LUKS header.
std::string qcow2_head(std::int64_t size_bytes) {
    constexpr std::uint32_t luks = 2;
    constexpr std::uint32_t encryption_header = 0x0537be77;
    const std::int64_t l1_entries = divide_up(size_bytes, guest_bytes_per_l1_entry);
    const std::int64_t l1_clusters = std::max<std::int64_t>(divide_up(l1_entries * 8, cluster), 1);
    const std::int64_t luks_at = l1_at + l1_clusters * cluster;
    std::string head = "QFI\xfb";
    put(head, 3, 4);
    head.append(8 + 4, '\0');  // no backing file
    put(head, cluster_bits, 4);
    put(head, static_cast<std::uint64_t>(size_bytes), 8);
    put(head, luks, 4);
    put(head, static_cast<std::uint64_t>(l1_entries), 4);
    put(head, l1_at, 8);
    put(head, cluster, 8);     // the refcount table,
    put(head, 1, 4);           // of one cluster
    head.append(4 + 8, '\0');  // no internal snapshots
    head.append(8 * 3, '\0');  // no features
    put(head, 4, 4);           // refcounts of 2^4 bits
    put(head, 104, 4);         // the header's length
    put(head, encryption_header, 4);
    put(head, 16, 4);
    put(head, static_cast<std::uint64_t>(luks_at), 8);
    put(head, luks_header_bytes, 8);
    head.resize(cluster);
    put(head, 2 * cluster, 8);  // where the block of refcounts is
    head.resize(2 * cluster);
    for (std::int64_t used = 0; used < (luks_at + luks_header_bytes) / cluster; ++used) put(head, 1, 2);
    head.resize(static_cast<std::size_t>(luks_at));
    return head;
}

Status make_luks_header(const std::filesystem::path& path, const std::string& passphrase) {
    const Fd file(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file || ftruncate(file.get(), least_luks_bytes) != 0)
        return tl::unexpected(file_error("making", path));
    return run_program({"cryptsetup", "luksFormat", "--batch-mode", "--type", "luks1", "--cipher",
                        "aes-xts-plain64", "--key-size", "512", "--hash", "sha256",
                        "--pbkdf-force-iterations", "1000", "--key-file", "-", path.string()},
                       cryptsetup_timeout_ms, passphrase);
}

// Leaves the key slots that are not used, which cryptsetup filled with noise, a hole.
Status join(const std::filesystem::path& path, const std::string& head, std::string luks) {
    const std::size_t whole = head.size() + luks.size();
    luks.resize(used_luks_bytes);
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << head << luks;
    out.close();
    std::error_code error;
    if (out) std::filesystem::resize_file(path, whole, error);
    return out && !error ? Status() : Status(tl::unexpected(file_error("writing", path)));
}

}  // namespace

Status make_encrypted_file(const std::filesystem::path& path, std::int64_t size_bytes,
                           const std::string& passphrase) {
    const std::filesystem::path header = path.string() + ".luks";
    Status status = make_luks_header(header, passphrase);
    if (status) {
        const Fd file(open(header.c_str(), O_RDONLY | O_CLOEXEC));
        auto luks = read_at(file, header, 0, luks_header_bytes);
        status = luks ? join(path, qcow2_head(size_bytes), std::move(*luks)) : tl::unexpected(luks.error());
    }
    static_cast<void>(remove_file(header));
    return status;
}

}  // namespace lodge::agent
