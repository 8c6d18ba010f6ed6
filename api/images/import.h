// Brings one piece of foreign content into the image folder: fetched, hashed, judged, placed.
#pragma once

#include <cstdint>
#include <string>

#include "api/images/fetch.h"
#include "api/images/folder.h"
#include "api/images/probe.h"
#include "proto/base/random.h"
#include "proto/base/result.h"

namespace lodge::images {

enum class ContentKind { disk, kernel, ramdisk };

struct ContentRequest {
    ContentKind kind = ContentKind::disk;
    std::string source;        // a path or a web address
    std::string format;        // of disks as the operator declared it: "qcow2" or "raw"
    std::string architecture;  // "x86_64", "i386", "arm64"
};

struct Content {
    std::string sha256;  // hexadecimal, its name in the folder
    std::string format;
    std::int64_t size_bytes = 0;
    std::int64_t virtual_size_bytes = 0;
    bool made = false;  // false: the folder had it before
};

struct ImportOptions {
    ProbeOptions probe;
    std::function<void(std::int64_t done_bytes, std::int64_t total_bytes)> progress;
    Cancelled cancelled;
};

// On any error nothing of it is left in the folder. Errors are fetch()'s, probe_disk()'s and the folder's.
// Blocks for as long as the source takes.
Result<Content> import_content(ImageFolder& folder, const ContentRequest& request,
                               const ImportOptions& options, Random& random);

}  // namespace lodge::images
