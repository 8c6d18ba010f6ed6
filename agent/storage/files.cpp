#include "agent/storage/files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "proto/base/encoding.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;

// A rename or removal is on the disk once its folder is.
Status sync_folder_of(const fs::path& path) {
    const fs::path folder = path.parent_path();
    const Fd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || fsync(fd.get()) != 0) return tl::unexpected(file_error("flushing", folder));
    return {};
}

}  // namespace

Fd::~Fd() {
    if (fd_ >= 0) close(fd_);
}

Fd& Fd::operator=(Fd&& other) noexcept {
    Fd old(std::exchange(fd_, other.release()));
    return *this;
}

int Fd::release() {
    return std::exchange(fd_, -1);
}

Error file_error(const std::string& doing, const fs::path& path) {
    return make_error(ErrorCode::io_failure,
                      {doing + " " + path.string() + ": " + std::generic_category().message(errno)});
}

Status make_folder(const fs::path& path, unsigned mode) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return fail(ErrorCode::io_failure, "making " + path.string() + ": " + error.message());
    if (chmod(path.c_str(), mode) != 0) return tl::unexpected(file_error("setting the mode of", path));
    return {};
}

Result<std::vector<fs::path>> list_folder(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code error;
    for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error))
        found.push_back(each->path());
    if (error) return fail(ErrorCode::io_failure, "listing " + folder.string() + ": " + error.message());
    return found;
}

Status remove_file(const fs::path& path) {
    if (unlink(path.c_str()) != 0) {
        if (errno == ENOENT) return {};
        return tl::unexpected(file_error("removing", path));
    }
    return sync_folder_of(path);
}

Status publish(const fs::path& temporary, const fs::path& final, unsigned mode) {
    const Fd fd(open(temporary.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd || fchmod(fd.get(), mode) != 0 || fsync(fd.get()) != 0)
        return tl::unexpected(file_error("flushing", temporary));
    if (rename(temporary.c_str(), final.c_str()) != 0) return tl::unexpected(file_error("making", final));
    return sync_folder_of(final);
}

Status make_whole(const fs::path& final, unsigned mode,
                  const std::function<Status(const fs::path& temporary)>& make) {
    const fs::path temporary = final.parent_path() / (temporary_prefix + final.filename().string());
    Status status = make(temporary);
    if (status) status = publish(temporary, final, mode);
    if (!status) static_cast<void>(remove_file(temporary));
    return status;
}

Status write_file(const fs::path& path, const std::string& bytes, unsigned mode) {
    return make_whole(path, mode, [&](const fs::path& temporary) -> Status {
        const Fd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
        if (fd && write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()))
            return {};
        return tl::unexpected(file_error("writing", temporary));
    });
}

Status sweep_temporary(const fs::path& folder) {
    LODGE_TRY(const auto files, list_folder(folder));
    for (const fs::path& path : files)
        if (path.filename().string().starts_with(temporary_prefix)) LODGE_CHECK(remove_file(path));
    return {};
}

Result<std::string> read_at(const Fd& file, const fs::path& path, std::int64_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got =
            pread(file.get(), bytes.data() + done, size - done, offset + static_cast<std::int64_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tl::unexpected(file_error("reading", path));
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
}

Result<std::string> sha256_of_file(const fs::path& path) {
    constexpr std::size_t chunk = 1 << 20;
    const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return tl::unexpected(file_error("opening", path));
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
    for (std::int64_t offset = 0;; offset += chunk) {
        LODGE_TRY(const std::string bytes, read_at(fd, path, offset, chunk));
        EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
        if (bytes.size() < chunk) break;
    }
    std::string digest(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), &size);
    return hex_encode(digest.substr(0, size));
}

}  // namespace lodge::agent
