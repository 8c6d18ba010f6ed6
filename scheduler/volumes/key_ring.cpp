#include "scheduler/volumes/key_ring.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "proto/base/encoding.h"
#include "proto/base/seal.h"

namespace lodge::volumes {
namespace {

constexpr mode_t private_file = 0600;

std::string purpose_of(const std::string& id) {
    return "disk key " + id;
}

tl::unexpected<Error> failed(const std::filesystem::path& file, const char* doing) {
    return fail(ErrorCode::io_failure,
                std::string(doing) + " the master key " + file.string() + ": " + std::strerror(errno));
}

// Whole or not there, and on the disk before anything is wrapped with it; never over one that is there.
Status make(const std::filesystem::path& file, Random& random) {
    const std::filesystem::path unfinished = file.string() + ".new";
    unlink(unfinished.c_str());
    const int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, private_file);
    if (fd < 0) return failed(file, "making");
    const std::string text = random.hex(2 * seal_key_bytes) + "\n";
    const bool good =
        write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
    Status status = good ? Status() : failed(file, "writing");
    close(fd);
    if (status && link(unfinished.c_str(), file.c_str()) != 0) status = failed(file, "making");
    unlink(unfinished.c_str());
    const int folder = open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (status && (folder < 0 || fsync(folder) != 0)) status = failed(file, "making");
    if (folder >= 0) close(folder);
    return status;
}

}  // namespace

Result<KeyRing> KeyRing::read(const std::filesystem::path& file, bool may_make, Random& random) {
    struct stat info {};
    if (stat(file.c_str(), &info) != 0) {
        if (errno != ENOENT) return failed(file, "reading");
        if (!may_make) return fail(ErrorCode::not_found, "the master key " + file.string() + " is missing");
        LODGE_CHECK(make(file, random));
        if (stat(file.c_str(), &info) != 0) return failed(file, "reading");
    }
    if ((info.st_mode & S_IRWXO) != 0)
        return fail(ErrorCode::invalid_input,
                    "the master key " + file.string() + " is open to everybody on this machine: chmod o= it");
    std::ifstream in(file);
    std::string text;
    std::getline(in, text);
    auto key = hex_decode(text);
    if (!key || key->size() != seal_key_bytes)
        return fail(ErrorCode::invalid_input, "the master key " + file.string() + " is not " +
                                                  std::to_string(2 * seal_key_bytes) +
                                                  " hexadecimal digits in one line");
    return KeyRing(std::move(*key));
}

Result<std::string> KeyRing::wrap(const std::string& id, const std::string& passphrase,
                                  Random& random) const {
    if (is_empty())
        return fail(ErrorCode::service_unavailable,
                    "Volumes cannot be encrypted now: the master key is not at hand.");
    return base64_encode(seal(master_, purpose_of(id), passphrase, random));
}

std::optional<std::string> KeyRing::unwrap(const std::string& id, const std::string& wrapped) const {
    const auto sealed = base64_decode(wrapped);
    return is_empty() || !sealed ? std::nullopt : unseal(master_, purpose_of(id), *sealed);
}

}  // namespace lodge::volumes
