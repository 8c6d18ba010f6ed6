#include "api/cli/restore.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include "api/images/descriptor.h"
#include "api/images/probe.h"
#include "proto/base/number.h"

namespace lodge::cli {
namespace {

namespace fs = std::filesystem;
using images::Descriptor;
constexpr std::size_t sqlite_header_bytes = 100;
constexpr std::size_t chunk_bytes = 1 << 20;

tl::unexpected<Error> failed(const std::string& what, const fs::path& path) {
    return fail(ErrorCode::io_failure,
                fmt::format("{} {}: {}", what, path.string(), std::generic_category().message(errno)));
}

// SQLite's file format, "The Database Header".
Status check_sqlite(const Descriptor& file, const fs::path& path) {
    LODGE_TRY(std::string header, images::read_head(file.get(), sqlite_header_bytes));
    if (header.size() < sqlite_header_bytes || !header.starts_with(std::string("SQLite format 3\0", 16)))
        return fail(ErrorCode::invalid_input,
                    path.string() + " is not an SQLite database; take what lodge backup wrote");
    const std::string_view fields = header;
    std::uint64_t page_bytes = big_endian(fields.substr(16, 2));
    if (page_bytes == 1) page_bytes = 65536;
    std::uint64_t pages = big_endian(fields.substr(28, 4));
    bool pages_valid = fields.substr(24, 4) == fields.substr(92, 4);
    struct stat found {};
    if (::fstat(file.get(), &found) != 0) return failed("cannot look at", path);
    auto size_bytes = static_cast<std::uint64_t>(found.st_size);
    if (page_bytes < 512 || size_bytes % page_bytes != 0 || (pages_valid && pages * page_bytes > size_bytes))
        return fail(ErrorCode::invalid_input, path.string() + " is cut short");
    return {};
}

// The database's own files: a log left beside the restored one would be played into it.
Status check_nothing_there(const fs::path& database) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
        auto path = database.string() + suffix;
        struct stat found {};
        if (::lstat(path.c_str(), &found) == 0)
            return fail(
                ErrorCode::conflict,
                fmt::format(
                    "{} exists; restore overwrites nothing. Move the old database (lodge.db*) away first",
                    path));
        if (errno != ENOENT) return failed("cannot look at", path);
    }
    return {};
}

// A new lock file is the folder's owner's. Links are not followed: root must not be led to give files away.
Result<Descriptor> open_lock(const fs::path& path, const struct stat& owner) {
    Descriptor made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!made.open()) {
        if (errno != EEXIST) return failed("cannot make", path);
        Descriptor found(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
        if (!found.open()) return failed("cannot open", path);
        return found;
    }
    if (::geteuid() == 0 && ::fchown(made.get(), owner.st_uid, owner.st_gid) != 0)
        return failed("cannot give away", path);
    return made;
}

// lodged's own lock, taken so that none starts meanwhile.
Result<Descriptor> take_lock(const fs::path& path, const struct stat& owner) {
    LODGE_TRY(Descriptor lock, open_lock(path, owner));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK) return failed("cannot lock", path);
    return fail(ErrorCode::conflict,
                "lodged is running on this state folder; stop it first: systemctl stop lodged");
}

Status copy_bytes(const Descriptor& from, const Descriptor& to, const fs::path& path) {
    std::vector<char> chunk(chunk_bytes);
    for (;;) {
        ssize_t got = ::read(from.get(), chunk.data(), chunk.size());
        if (got < 0) return failed("cannot read", path);
        if (got == 0) return {};
        for (ssize_t put = 0; put < got;) {
            ssize_t now = ::write(to.get(), chunk.data() + put, static_cast<std::size_t>(got - put));
            if (now < 0) return failed("cannot write the copy of", path);
            put += now;
        }
    }
}

// A file that is gone unless it was linked to its place.
struct Temporary {
    fs::path path;
    ~Temporary() { ::unlink(path.c_str()); }
};

Status copy_into_place(const Descriptor& backup, const fs::path& database, const struct stat& owner) {
    Temporary copy{database.string() + ".restoring"};
    ::unlink(copy.path.c_str());  // of a restore that was killed; the lock is ours
    Descriptor file(::open(copy.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.open()) return failed("cannot make", copy.path);
    LODGE_CHECK(copy_bytes(backup, file, database));
    if (::geteuid() == 0 && ::fchown(file.get(), owner.st_uid, owner.st_gid) != 0)
        return failed("cannot give away", copy.path);
    if (::fsync(file.get()) != 0) return failed("cannot make durable", copy.path);
    if (::link(copy.path.c_str(), database.c_str()) != 0) return failed("cannot make", database);
    Descriptor folder(::open(database.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.open() || ::fsync(folder.get()) != 0) return failed("cannot make durable", database);
    return {};
}

}  // namespace

Status restore_database(const fs::path& backup_path, const fs::path& state_dir) {
    Descriptor backup(::open(backup_path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!backup.open()) return failed("cannot read", backup_path);
    LODGE_CHECK(check_sqlite(backup, backup_path));
    struct stat owner {};
    if (::stat(state_dir.c_str(), &owner) != 0) return failed("cannot use the state folder", state_dir);
    auto database = state_dir / "lodge.db";
    LODGE_TRY(Descriptor lock, take_lock(database.string() + ".lock", owner));
    LODGE_CHECK(check_nothing_there(database));
    return copy_into_place(backup, database, owner);
}

}  // namespace lodge::cli
