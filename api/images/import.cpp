#include "api/images/import.h"

#include <fmt/format.h>

#include "api/images/content.h"
#include "api/images/foreign.h"

namespace lodge::images {
namespace {

// What stays free on the disk, so that an import does not stop lodged's own database.
constexpr std::int64_t spared_bytes = 64 << 20;
// How much may come in between two looks at the free space, of sources that do not state their size.
constexpr std::int64_t bytes_between_looks = 16 << 20;

// Says early what probe_disk() would say at the end of a long download.
Status check_first_piece(const ContentRequest& request, std::string_view piece) {
    bool telling = request.kind == ContentKind::disk && piece.size() >= content_head_bytes;
    return telling ? check_declared_format(request.format, piece) : Status();
}

bool look_due(std::int64_t before_bytes, std::int64_t after_bytes) {
    return before_bytes / bytes_between_looks != after_bytes / bytes_between_looks;
}

// A source need not end, and zeros need no room.
Status check_size(const IncomingFile& file, const ImportOptions& options) {
    constexpr std::int64_t metadata_bytes = std::int64_t{1} << 30;
    const auto most = static_cast<std::int64_t>(options.probe.max_virtual_size_bytes) + metadata_bytes;
    if (file.size_bytes() <= most) return {};
    return fail(ErrorCode::invalid_input, fmt::format("the file has more than {} bytes", most));
}

Status receive(ImageFolder& folder, IncomingFile& file, const ContentRequest& request,
               const ImportOptions& options) {
    FetchHooks hooks;
    hooks.expect = [&](std::int64_t bytes) { return check_room(folder, bytes); };
    hooks.write = [&](std::string_view piece) -> Status {
        if (file.size_bytes() == 0) LODGE_CHECK(check_first_piece(request, piece));
        std::int64_t before_bytes = file.size_bytes();
        LODGE_CHECK(file.write(piece));
        LODGE_CHECK(check_size(file, options));
        return look_due(before_bytes, file.size_bytes()) ? check_room(folder, 0) : Status();
    };
    hooks.progress = options.progress;
    hooks.cancelled = options.cancelled;
    hooks.may_follow = options.may_follow;
    LODGE_CHECK(request.file >= 0 ? fetch_open(request.file, request.source, hooks)
                                  : fetch(request.source, hooks));
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

Status check_room(const ImageFolder& folder, std::int64_t needed_bytes) {
    LODGE_TRY(std::int64_t free_bytes, folder.free_bytes());
    if (needed_bytes + spared_bytes <= free_bytes) return {};
    return fail(ErrorCode::io_failure,
                fmt::format("the image folder's disk is too full: {} MiB are free, {} MiB more are needed",
                            free_bytes >> 20, (needed_bytes + spared_bytes - free_bytes + (1 << 20)) >> 20));
}

Result<Received> receive_content(ImageFolder& folder, const ContentRequest& request,
                                 const ImportOptions& options, Random& random) {
    Received received;
    LODGE_TRY(received.file, folder.receive(random));
    LODGE_CHECK(receive(folder, *received.file, request, options));
    LODGE_TRY(received.virtual_size_bytes, judge(*received.file, request, options));
    return received;
}

Result<Content> import_content(ImageFolder& folder, const ContentRequest& request,
                               const ImportOptions& options, Random& random) {
    if (is_foreign(request.format))
        return fail(ErrorCode::invalid_input, "what is kept is qcow2 or raw: convert it first");
    LODGE_TRY(const auto received, receive_content(folder, request, options, random));
    LODGE_TRY(auto placed, folder.place(*received.file));
    return Content{received.file->sha256(), request.kind == ContentKind::disk ? request.format : "raw",
                   received.file->size_bytes(), received.virtual_size_bytes,
                   placed == ImageFolder::Placed::made};
}

}  // namespace lodge::images
