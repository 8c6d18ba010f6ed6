#include "api/images/fetch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "api/images/descriptor.h"
#include "api/images/download.h"
#include "proto/base/encoding.h"

namespace lodge::images {
namespace {

constexpr std::size_t chunk_bytes = 1 << 20;

tl::unexpected<Error> unreadable(const std::string& path, const std::string& why) {
    return fail(ErrorCode::io_failure, fmt::format("cannot read {}: {}", path, why));
}

// Copies to the end. How many bytes there were.
Result<std::int64_t> pump(int file, const std::string& path, std::int64_t total, const FetchHooks& hooks) {
    std::vector<char> chunk(chunk_bytes);
    std::int64_t done = 0;
    for (;;) {
        if (hooks.cancelled && hooks.cancelled()) return fail(ErrorCode::io_failure, "interrupted");
        ssize_t got = ::read(file, chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return unreadable(path, std::generic_category().message(errno));
        if (got == 0) return done;
        LODGE_CHECK(hooks.write({chunk.data(), static_cast<std::size_t>(got)}));
        done += got;
        if (hooks.progress) hooks.progress(done, total);
    }
}

// Not blocking, so that a pipe without a writer is refused and not waited for.
Status copy_file(const std::string& path, const FetchHooks& hooks) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.open()) return unreadable(path, std::generic_category().message(errno));
    return fetch_open(file.get(), path, hooks);
}

}  // namespace

bool is_url(std::string_view source) {
    return source.starts_with("http://") || source.starts_with("https://") || source.starts_with("file://");
}

Status fetch(const std::string& source, const FetchHooks& hooks) {
    if (!is_url(source)) return copy_file(source, hooks);
    if (!source.starts_with("file://")) return download(source, hooks);
    LODGE_TRY(std::string path, path_of_file_url(source));
    return copy_file(path, hooks);
}

Status fetch_open(int file, const std::string& name, const FetchHooks& hooks) {
    struct stat before {};
    if (::fstat(file, &before) != 0) return unreadable(name, std::generic_category().message(errno));
    if (!S_ISREG(before.st_mode)) return unreadable(name, "it is not a regular file");
    std::int64_t on_disk_bytes = std::min<std::int64_t>(before.st_size, std::int64_t{before.st_blocks} * 512);
    if (hooks.expect) LODGE_CHECK(hooks.expect(on_disk_bytes));
    LODGE_TRY(std::int64_t done, pump(file, name, before.st_size, hooks));
    struct stat after {};
    bool changed = ::fstat(file, &after) != 0 || done != before.st_size ||
                   after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
                   after.st_mtim.tv_nsec != before.st_mtim.tv_nsec;
    if (changed) return unreadable(name, "it changed meanwhile; is it in use?");
    return {};
}

Result<std::string> path_of_file_url(std::string_view url) {
    auto path = url.substr(std::string_view("file://").size());
    if (path.starts_with("localhost/")) path.remove_prefix(std::string_view("localhost").size());
    auto decoded = percent_decode(path, false);
    if (!path.starts_with('/') || !decoded || decoded->find('\0') != std::string::npos)
        return fail(ErrorCode::invalid_input, fmt::format("{} names no local file", url));
    return *decoded;
}

}  // namespace lodge::images
