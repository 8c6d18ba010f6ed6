// The header of a qcow2 file, read by ourselves before any program of QEMU opens a foreign image. Pure
// functions over bytes: no I/O, any thread, any input (fuzzed in tests/unit/images).
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/base/result.h"

namespace lodge::images {

// How much of a file's beginning read_qcow2_header wants to see (or the whole file, if it is shorter).
inline constexpr std::size_t qcow2_head_bytes = 64 * 1024;

struct Qcow2Header {
    std::uint32_t version = 0;  // 2 or 3
    std::uint32_t cluster_bits = 0;
    std::uint64_t virtual_size_bytes = 0;
    std::uint64_t l1_table_offset = 0;
    std::uint32_t l1_entries = 0;
    std::uint64_t refcount_table_offset = 0;
    std::uint32_t refcount_table_clusters = 0;
    std::uint32_t header_length_bytes = 0;
    std::uint32_t crypt_method = 0;  // 0: not encrypted
    bool names_backing_file = false;
    bool names_data_file = false;  // by a feature bit or by a header extension
    bool dirty = false;
    bool corrupt = false;
};

// Reads and checks the form: magic, version, sizes and offsets that make sense, known features only. What
// the header *asks for* (a backing file, say) is in the result, not judged. invalid_input says what is odd.
Result<Qcow2Header> read_qcow2_header(std::string_view first_bytes);

// Refuses what an image of Lodge must not have: a backing or data file, encryption, the corrupt or the dirty
// mark, a virtual size of 0 or over the limit, tables that lie beyond the file's end.
Status check_qcow2_importable(const Qcow2Header& header, std::uint64_t file_size_bytes,
                              std::uint64_t max_virtual_size_bytes);

}  // namespace lodge::images
