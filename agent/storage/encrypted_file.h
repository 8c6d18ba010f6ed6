// Empty disks that are encrypted: qcow2 files with LUKS inside, as QEMU makes them. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "proto/base/result.h"

namespace lodge::agent {

// Writes `path` anew; a few files beside it, whose names begin with its own, are gone afterwards. It is not
// flushed. The passphrase has to be as hard to guess as the disk's key itself: the key is derived from it
// with few rounds, which takes a millisecond where qemu-img spends two seconds of CPU time on finding out how
// many rounds it could do, and fails where the kernel counts CPU time in ticks (QEMU 7.2).
Status make_encrypted_file(const std::filesystem::path& path, std::int64_t size_bytes,
                           const std::string& passphrase);

}  // namespace lodge::agent
