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
    std::string format;        // of disks as they were declared: "qcow2", "raw"; is_foreign() only to receive
    std::string architecture;  // "x86_64", "i386", "arm64"
    int file = -1;             // open for reading: taken in place of the source, which is then its name
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
    std::function<Status(const std::string& url)> may_follow = {};  // see FetchHooks
    Cancelled cancelled;
};

// What came from abroad: fetched, hashed and judged, but not placed.
struct Received {
    std::unique_ptr<IncomingFile> file;
    std::int64_t virtual_size_bytes = 0;
};
Result<Received> receive_content(ImageFolder& folder, const ContentRequest& request,
                                 const ImportOptions& options, Random& random);

// Whether so much can still be written to the folder's disk, and some to spare. io_failure: it is too full.
Status check_room(const ImageFolder& folder, std::int64_t needed_bytes);

// On any error nothing of it is left in the folder. Errors are fetch()'s, probe_disk()'s and the folder's.
// Blocks for as long as the source takes.
Result<Content> import_content(ImageFolder& folder, const ContentRequest& request,
                               const ImportOptions& options, Random& random);

}  // namespace lodge::images
