#include "agent/storage/image_cache.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "agent/storage/files.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;

constexpr unsigned readable_by_qemu = 0644;
constexpr unsigned private_mode = 0600;

// The hash becomes a file's name, so it must be nothing but one.
bool well_formed(const std::string& sha256) {
    return sha256.size() == 64 && sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Changes when somebody writes to the file or replaces it. Not the change time: libvirt changes owners.
std::optional<std::string> stamp_of(const fs::path& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return std::nullopt;
    return fmt::format("{} {} {}.{:09}\n", info.st_size, info.st_ino, info.st_mtim.tv_sec,
                       info.st_mtim.tv_nsec);
}

fs::path stamp_path(const fs::path& image) {
    return image.string() + ".verified";
}

std::string read_stamp(const fs::path& image) {
    std::ifstream file(stamp_path(image));
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string short_name(const link::Content& content) {
    return "image " + content.sha256.substr(0, 12);
}

Status check_room(const link::Content& content, const fs::path& folder) {
    std::error_code error;
    const auto space = fs::space(folder, error);
    if (error || content.size_bytes <= static_cast<std::int64_t>(space.available)) return {};
    return fail(ErrorCode::io_failure,
                fmt::format("{} has {} bytes, and only {} are free in {}", short_name(content),
                            content.size_bytes, space.available, folder.string()));
}

// Volumes may be in another file system than the cache.
Status link_or_copy(const fs::path& file, const fs::path& to) {
    if (::link(file.c_str(), to.c_str()) == 0) return {};
    if (errno != EXDEV) return tl::unexpected(file_error("linking", file));
    std::error_code error;
    if (fs::copy_file(file, to, error)) return {};
    return fail(ErrorCode::io_failure, "copying " + file.string() + ": " + error.message());
}

}  // namespace

ImageCache::ImageCache(fs::path folder, FetchImage fetch)
    : folder_(std::move(folder)), fetch_(std::move(fetch)) {}

std::shared_ptr<std::mutex> ImageCache::lock_of(const std::string& sha256) {
    std::lock_guard lock(mutex_);
    std::shared_ptr<std::mutex>& each = locks_[sha256];
    if (!each) each = std::make_shared<std::mutex>();
    return each;
}

Result<std::string> ImageCache::ensure(const link::Content& content) {
    if (!well_formed(content.sha256))
        return fail(ErrorCode::invalid_input, "an image is named by no SHA-256");
    const auto one_at_a_time = lock_of(content.sha256);
    std::lock_guard lock(*one_at_a_time);
    if (!intact(content)) LODGE_CHECK(fetch(content));
    return path_of(content);
}

std::string ImageCache::path_of(const link::Content& content) const {
    return (folder_ / content.sha256).string();
}

bool ImageCache::has(const link::Content& content) const {
    if (!well_formed(content.sha256)) return false;
    const fs::path path = folder_ / content.sha256;
    const auto stamp = stamp_of(path);
    return stamp && *stamp == read_stamp(path) && stamp->starts_with(fmt::format("{} ", content.size_bytes));
}

// Hashing a large image takes seconds, so it is done again only when its stamp has changed.
bool ImageCache::intact(const link::Content& content) const {
    if (has(content)) return true;
    const fs::path path = folder_ / content.sha256;
    if (!stamp_of(path)) return false;
    if (const Status status = verify(content, path); !status) {
        spdlog::warn("the cached {}; it is fetched again", status.error().message);
        return false;
    }
    remember(content);
    return true;
}

Status ImageCache::verify(const link::Content& content, const fs::path& path) const {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return tl::unexpected(file_error("reading", path));
    if (info.st_size != content.size_bytes)
        return fail(ErrorCode::io_failure, fmt::format("{} has {} bytes instead of {}", short_name(content),
                                                       info.st_size, content.size_bytes));
    LODGE_TRY(const std::string hash, sha256_of_file(path));
    if (hash != content.sha256)
        return fail(ErrorCode::io_failure, short_name(content) + " is corrupt: its SHA-256 is " + hash);
    return {};
}

Status ImageCache::fetch(const link::Content& content) const {
    LODGE_CHECK(check_room(content, folder_));
    const auto fetch_it = [&](const fs::path& temporary) -> Status {
        LODGE_CHECK(remove_file(temporary));  // which may be another name of a volume's file
        LODGE_CHECK(fetch_(content, temporary));
        return verify(content, temporary);
    };
    LODGE_CHECK(make_whole(folder_ / content.sha256, readable_by_qemu, fetch_it));
    remember(content);
    return {};
}

Result<std::vector<std::string>> ImageCache::list() const {
    LODGE_TRY(const auto files, list_folder(folder_));
    std::vector<std::string> found;
    for (const fs::path& each : files)
        if (std::string name = each.filename().string(); well_formed(name)) found.push_back(std::move(name));
    return found;
}

Status ImageCache::remove(const std::string& sha256) {
    if (!well_formed(sha256)) return fail(ErrorCode::invalid_input, "an image is named by no SHA-256");
    const auto one_at_a_time = lock_of(sha256);
    std::lock_guard lock(*one_at_a_time);
    LODGE_CHECK(remove_file(stamp_path(folder_ / sha256)));
    return remove_file(folder_ / sha256);
}

Status ImageCache::adopt(const link::Content& content, const fs::path& file) {
    if (!well_formed(content.sha256))
        return fail(ErrorCode::invalid_input, "an image is named by no SHA-256");
    const auto one_at_a_time = lock_of(content.sha256);
    std::lock_guard lock(*one_at_a_time);
    if (intact(content)) return {};
    const auto name_it = [&](const fs::path& temporary) -> Status {
        LODGE_CHECK(remove_file(temporary));
        LODGE_CHECK(link_or_copy(file, temporary));
        // QEMU's user had it to itself; now the guests of several instances may read it.
        if (chown(temporary.c_str(), geteuid(), getegid()) == 0) return {};
        return tl::unexpected(file_error("taking over", file));
    };
    LODGE_CHECK(make_whole(folder_ / content.sha256, readable_by_qemu, name_it));
    remember(content);
    return {};
}

// Without the stamp the next use hashes the file again: slower, not wrong.
void ImageCache::remember(const link::Content& content) const {
    const fs::path path = folder_ / content.sha256;
    const auto stamp = stamp_of(path);
    if (!stamp) return;
    if (const Status status = write_file(stamp_path(path), *stamp, private_mode); !status)
        spdlog::warn("{}", status.error().message);
}

}  // namespace lodge::agent
