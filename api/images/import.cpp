#include "api/images/import.h"

#include <fmt/format.h>

#include "api/images/content.h"

namespace lodge::images {
namespace {

// What stays free on the disk, so that an import does not stop lodged's own database.
constexpr std::int64_t spared_bytes = 64 << 20;
// How much may come in between two looks at the free space, of sources that do not state their size.
constexpr std::int64_t bytes_between_looks = 16 << 20;

Status check_room(const ImageFolder& folder, std::int64_t needed_bytes) {
    LODGE_TRY(std::int64_t free_bytes, folder.free_bytes());
    if (needed_bytes + spared_bytes <= free_bytes) return {};
    return fail(ErrorCode::io_failure,
                fmt::format("the image folder's disk is too full: {} MiB are free, {} MiB more are needed",
                            free_bytes >> 20, (needed_bytes + spared_bytes - free_bytes + (1 << 20)) >> 20));
}

// Says early what probe_disk() would say at the end of a long download.
Status check_first_piece(const ContentRequest& request, std::string_view piece) {
    bool telling = request.kind == ContentKind::disk && piece.size() >= content_head_bytes;
    return telling ? check_declared_format(request.format, piece) : Status();
}

bool look_due(std::int64_t before_bytes, std::int64_t after_bytes) {
    return before_bytes / bytes_between_looks != after_bytes / bytes_between_looks;
}

Status receive(ImageFolder& folder, IncomingFile& file, const ContentRequest& request,
               const ImportOptions& options) {
    FetchHooks hooks;
    hooks.expect = [&](std::int64_t bytes) { return check_room(folder, bytes); };
    hooks.write = [&](std::string_view piece) -> Status {
        if (file.size_bytes() == 0) LODGE_CHECK(check_first_piece(request, piece));
        std::int64_t before_bytes = file.size_bytes();
        LODGE_CHECK(file.write(piece));
        return look_due(before_bytes, file.size_bytes()) ? check_room(folder, 0) : Status();
    };
    hooks.progress = options.progress;
    hooks.cancelled = options.cancelled;
    LODGE_CHECK(fetch(request.source, hooks));
    return file.finish();
}

// The virtual size.
Result<std::int64_t> judge(const IncomingFile& file, const ContentRequest& request,
                           const ImportOptions& options) {
    if (request.kind == ContentKind::disk) {
        ProbeOptions probe = options.probe;
        probe.cancelled = options.cancelled;
        LODGE_TRY(DiskFacts facts, probe_disk(file.fd(), request.format, probe));
        return facts.virtual_size_bytes;
    }
    LODGE_TRY(std::string head, read_head(file.fd(), content_head_bytes));
    LODGE_CHECK(request.kind == ContentKind::kernel
                    ? check_kernel(request.architecture, head, file.size_bytes())
                    : check_ramdisk(head, file.size_bytes()));
    return file.size_bytes();
}

}  // namespace

Result<Content> import_content(ImageFolder& folder, const ContentRequest& request,
                               const ImportOptions& options, Random& random) {
    LODGE_TRY(auto file, folder.receive(random));
    LODGE_CHECK(receive(folder, *file, request, options));
    LODGE_TRY(std::int64_t virtual_size_bytes, judge(*file, request, options));
    LODGE_TRY(auto placed, folder.place(*file));
    return Content{file->sha256(), request.kind == ContentKind::disk ? request.format : "raw",
                   file->size_bytes(), virtual_size_bytes, placed == ImageFolder::Placed::made};
}

}  // namespace lodge::images
