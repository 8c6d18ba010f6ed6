#include "api/tasks/destination.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace lodge::api::tasks {
namespace {

using images::Descriptor;

constexpr std::int64_t spared_bytes = 64 << 20;

tl::unexpected<Error> failed(const std::string& what) {
    return fail(ErrorCode::io_failure, fmt::format("{}: {}", what, std::generic_category().message(errno)));
}

// A folder in that one, made if it is missing; no symbolic link is one.
Result<Descriptor> enter_folder(const Descriptor& in, const std::string& name) {
    const bool made = ::mkdirat(in.get(), name.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) return failed("cannot make the folder '" + name + "'");
    Descriptor folder(::openat(in.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder.open()) return failed("cannot use the folder '" + name + "'");
    // Open to whom the bucket is: lodged may run with another umask, and as another user.
    struct stat above {};
    if (made && (::fstat(in.get(), &above) != 0 || ::fchmod(folder.get(), above.st_mode & 07777) != 0 ||
                 ::fchown(folder.get(), above.st_uid, above.st_gid) != 0))
        return failed("cannot open up the folder '" + name + "'");
    return folder;
}

}  // namespace

Result<std::unique_ptr<Destination>> Destination::open(const images::Target& target,
                                                       const std::string& name) {
    Descriptor folder(::open(target.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.open()) return failed("cannot use the bucket's folder");
    std::string rest = target.prefix;
    for (auto slash = rest.find('/'); slash != std::string::npos; slash = rest.find('/')) {
        LODGE_TRY(folder, enter_folder(folder, rest.substr(0, slash)));
        rest.erase(0, slash + 1);
    }
    std::unique_ptr<Destination> made(new Destination(std::move(folder), rest + name));
    const auto hidden = made->hidden_name();
    ::unlinkat(made->folder_.get(), hidden.c_str(), 0);
    made->file_ = Descriptor(::openat(made->folder_.get(), hidden.c_str(),
                                      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!made->file_.open()) return failed("cannot make a file in the bucket's folder");
    return made;
}

Destination::~Destination() {
    ::unlinkat(folder_.get(), hidden_name().c_str(), 0);
}

Status Destination::check_room(std::int64_t needed_bytes) const {
    struct statvfs space {};
    if (::fstatvfs(folder_.get(), &space) != 0) return failed("cannot look at the bucket's folder");
    const auto free_bytes = static_cast<std::int64_t>(space.f_bavail * space.f_frsize);
    if (needed_bytes + spared_bytes <= free_bytes) return {};
    return fail(
        ErrorCode::io_failure,
        fmt::format("the disk of the bucket's folder is too full: {} MiB are free", free_bytes >> 20));
}

Status Destination::finish() {
    struct stat owner {};
    if (::fstat(folder_.get(), &owner) != 0) return failed("cannot look at the bucket's folder");
    if (::geteuid() == 0 && ::fchown(file_.get(), owner.st_uid, owner.st_gid) != 0)
        return failed("cannot give the file away");
    if (::fchmod(file_.get(), 0640) != 0 || ::fsync(file_.get()) != 0)
        return failed("cannot make the file durable");
    if (::renameat(folder_.get(), hidden_name().c_str(), folder_.get(), name_.c_str()) != 0 ||
        ::fsync(folder_.get()) != 0)
        return failed("cannot give the file its name");
    return {};
}

}  // namespace lodge::api::tasks
