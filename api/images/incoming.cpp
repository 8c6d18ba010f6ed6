#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "api/images/folder.h"
#include "proto/base/encoding.h"

namespace lodge::images {
namespace {

// What is looked at for being all zeros at once: file systems keep holes of 4 KiB and more.
constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::size_t chunk_bytes = 1 << 20;

tl::unexpected<Error> write_failed() {
    int error = errno;
    if (error == ENOSPC || error == EDQUOT)
        return fail(ErrorCode::io_failure,
                    "the image folder's disk is full; free some space and import again");
    return fail(ErrorCode::io_failure,
                "cannot write to the image folder: " + std::generic_category().message(error));
}

Status write_at(int fd, std::string_view bytes, std::int64_t at) {
    while (!bytes.empty()) {
        ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), at);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return write_failed();
        bytes.remove_prefix(static_cast<std::size_t>(put));
        at += put;
    }
    return {};
}

}  // namespace

struct IncomingFile::Hash {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

IncomingFile::IncomingFile(std::filesystem::path path, Descriptor fd)
    : path_(std::move(path)), fd_(std::move(fd)), hash_(std::make_unique<Hash>()) {
    EVP_DigestInit_ex(hash_->context.get(), EVP_sha256(), nullptr);
}

IncomingFile::~IncomingFile() {
    ::unlink(path_.c_str());
}

Status IncomingFile::write(std::string_view bytes) {
    EVP_DigestUpdate(hash_->context.get(), bytes.data(), bytes.size());
    while (!bytes.empty()) {
        auto piece = bytes.substr(0, piece_bytes);
        bool hole = piece.find_first_not_of('\0') == std::string_view::npos;
        if (!hole) LODGE_CHECK(write_at(fd_.get(), piece, size_bytes_));
        size_bytes_ += static_cast<std::int64_t>(piece.size());
        bytes.remove_prefix(piece.size());
    }
    return {};
}

Status IncomingFile::take_in(const Cancelled& cancelled) {
    std::vector<char> chunk(chunk_bytes);
    for (;;) {
        if (cancelled && cancelled()) return fail(ErrorCode::io_failure, "interrupted");
        ssize_t got = ::pread(fd_.get(), chunk.data(), chunk.size(), size_bytes_);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(ErrorCode::io_failure, "cannot read what is in the image folder");
        if (got == 0) return {};
        EVP_DigestUpdate(hash_->context.get(), chunk.data(), static_cast<std::size_t>(got));
        size_bytes_ += got;
    }
}

Status IncomingFile::finish() {
    if (::ftruncate(fd_.get(), size_bytes_) != 0) return write_failed();
    if (::fchmod(fd_.get(), 0644) != 0) return write_failed();
    if (::fsync(fd_.get()) != 0) return write_failed();
    std::string digest(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    EVP_DigestFinal_ex(hash_->context.get(), reinterpret_cast<unsigned char*>(digest.data()), &size);
    digest.resize(size);
    sha256_ = hex_encode(digest);
    return {};
}

}  // namespace lodge::images
