#include "api/images/folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

namespace lodge::images {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t name_digits = 32;
constexpr std::size_t content_digits = 64;

tl::unexpected<Error> failed(const std::string& what, const fs::path& path) {
    int error = errno;
    auto message = fmt::format("{} {}: {}", what, path.string(), std::generic_category().message(error));
    if (error == EACCES || error == EPERM) message += "; run lodge as root or as the user lodged runs as";
    return fail(ErrorCode::io_failure, message);
}

bool sync_folder(const fs::path& path) {
    Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return folder.open() && ::fsync(folder.get()) == 0;
}

// Makes incoming/ the image folder's owner's, so that lodged's user can import too after root did.
Status make_incoming(const fs::path& dir, const fs::path& incoming) {
    struct stat owner {};
    if (::stat(dir.c_str(), &owner) != 0) return failed("cannot use the image folder", dir);
    if (::mkdir(incoming.c_str(), 0700) != 0) {
        if (errno == EEXIST) return {};
        return failed("cannot make", incoming);
    }
    if (::geteuid() == 0 && ::lchown(incoming.c_str(), owner.st_uid, owner.st_gid) != 0)
        return failed("cannot give away", incoming);
    return {};
}

bool is_hex(const std::string& name, std::size_t digits) {
    return name.size() == digits && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

Result<ImageFolder> ImageFolder::open(const fs::path& image_dir) {
    auto incoming = image_dir / "incoming";
    LODGE_CHECK(make_incoming(image_dir, incoming));
    Descriptor lock(::open(incoming.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!lock.open()) return failed("cannot use", incoming);
    bool alone = ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
    ImageFolder folder(image_dir, std::move(lock));
    if (alone) folder.sweep();
    if (::flock(folder.lock_.get(), LOCK_SH) != 0) return failed("cannot lock", incoming);
    return folder;
}

void ImageFolder::sweep() {
    std::error_code ignored;
    std::vector<fs::path> left;
    for (const auto& entry : fs::directory_iterator(dir_ / "incoming", ignored))
        if (is_hex(entry.path().filename(), name_digits)) left.push_back(entry.path());
    for (const auto& path : left) fs::remove(path, ignored);
}

Result<std::unique_ptr<IncomingFile>> ImageFolder::receive(Random& random) {
    auto path = dir_ / "incoming" / random.hex(name_digits);
    Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd.open()) return failed("cannot make", path);
    return std::unique_ptr<IncomingFile>(new IncomingFile(path, std::move(fd)));
}

Result<std::int64_t> ImageFolder::free_bytes() const {
    struct statvfs space {};
    if (::statvfs(dir_.c_str(), &space) != 0) return failed("cannot look at", dir_);
    return static_cast<std::int64_t>(space.f_bavail) * static_cast<std::int64_t>(space.f_frsize);
}

Result<ImageFolder::Placed> ImageFolder::place(const IncomingFile& file) {
    auto final_path = dir_ / file.sha256();
    if (::link(file.path_.c_str(), final_path.c_str()) == 0) {
        if (!sync_folder(dir_)) return failed("cannot make durable", dir_);
        return Placed::made;
    }
    if (errno != EEXIST) return failed("cannot make", final_path);
    struct stat found {};
    if (::lstat(final_path.c_str(), &found) != 0) return failed("cannot look at", final_path);
    if (!S_ISREG(found.st_mode) || found.st_size != file.size_bytes())
        return fail(
            ErrorCode::io_failure,
            final_path.string() + " is there but damaged (its size is wrong); remove it and import again");
    // Seen again just now: a sweep by age must spare it until it is registered.
    ::utimensat(AT_FDCWD, final_path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
    return Placed::was_there;
}

bool ImageFolder::remove_unless(const std::string& sha256, const std::function<bool()>& in_use) {
    bool removed = false;
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0 && !in_use())
        removed = ::unlink((dir_ / sha256).c_str()) == 0;
    ::flock(lock_.get(), LOCK_SH);
    return removed;
}

std::size_t remove_unused_content(const fs::path& image_dir, std::chrono::seconds spare,
                                  const std::function<bool(const std::string&)>& in_use) {
    auto incoming = image_dir / "incoming";
    Descriptor lock(::open(incoming.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!lock.open() || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return 0;
    const auto youngest = fs::file_time_type::clock::now() - spare;
    std::error_code error;
    std::vector<fs::path> left;
    for (const auto& entry : fs::directory_iterator(image_dir, error)) {
        auto name = entry.path().filename().string();
        bool old = is_hex(name, content_digits) && entry.last_write_time(error) < youngest && !error;
        if (old && !in_use(name)) left.push_back(entry.path());
    }
    return static_cast<std::size_t>(
        std::count_if(left.begin(), left.end(), [&](const auto& path) { return fs::remove(path, error); }));
}

}  // namespace lodge::images
