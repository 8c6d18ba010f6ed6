#include "agent/storage/console_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "agent/storage/files.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;

struct Tail {
    std::string bytes;
    ino_t inode = 0;  // 0: no such file
};

Result<Tail> read_tail(const fs::path& path, std::size_t max_bytes) {
    const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) return Tail{};
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0) return tl::unexpected(file_error("opening", path));
    const auto size = std::min<std::int64_t>(info.st_size, static_cast<std::int64_t>(max_bytes));
    LODGE_TRY(std::string bytes, read_at(file, path, info.st_size - size, static_cast<std::size_t>(size)));
    return Tail{std::move(bytes), info.st_ino};
}

bool is_rotated(const std::string& name, const std::string& base) {
    if (!name.starts_with(base + ".") || name.size() == base.size() + 1) return false;
    return name.find_first_not_of("0123456789", base.size() + 1) == std::string::npos;
}

}  // namespace

Result<std::string> read_console_tail(const fs::path& file, std::size_t max_bytes) {
    const fs::path older = file.string() + ".0";
    LODGE_TRY(Tail now, read_tail(file, max_bytes));
    if (now.bytes.size() >= max_bytes) return std::move(now.bytes);
    LODGE_TRY(Tail before, read_tail(older, max_bytes - now.bytes.size()));
    // Rotated between the two reads: what we took for the younger file is the older one by now.
    if (before.inode != 0 && before.inode == now.inode) {
        LODGE_TRY(now, read_tail(file, max_bytes));
        LODGE_TRY(before, read_tail(older, max_bytes - now.bytes.size()));
    }
    return before.bytes + now.bytes;
}

Status remove_console_files(const fs::path& file) {
    const std::string base = file.filename().string();
    std::vector<fs::path> found{file};
    for (const fs::path& each : list_folder(file.parent_path()).value_or(std::vector<fs::path>()))
        if (is_rotated(each.filename().string(), base)) found.push_back(each);
    for (const fs::path& path : found) LODGE_CHECK(remove_file(path));
    return {};
}

}  // namespace lodge::agent
